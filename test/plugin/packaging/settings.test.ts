import { readConfiguration } from '../../../plugin/configuration/configuration';
import type { FunctionDefinition, Utils } from '../../../plugin/framework';
import { warnOfSettings } from '../../../plugin/packaging/settings';
import { frameworkWith } from '../support/framework';

const EDGE = {
  functions: {
    readMeter: {},
    openVents: { locations: ['edge', 'cloud'] },
    forecast: { locations: ['cloud'] },
  },
};

function warnings(definition: Partial<FunctionDefinition>, provider: object = {}): string[] {
  const framework = frameworkWith(EDGE, { provider });
  framework.service.layers = { tools: { path: 'tools' } };
  for (const each of Object.values(framework.service.functions)) Object.assign(each, definition);
  const said: string[] = [];
  const warning = (...message: unknown[]): void => void said.push(message.join(' '));
  const utils = { log: { warning } } as Pick<Utils, 'log'> as Utils;
  warnOfSettings(framework, readConfiguration(framework), utils);
  return said;
}

it.each<[string, Partial<FunctionDefinition>]>([
  ['layers', { layers: ['arn:aws:lambda:eu-west-1:1:layer:x:1'] }],
  ['vpc', { vpc: { subnetIds: [] } }],
  ['fileSystemConfig', { fileSystemConfig: {} }],
  ['destinations', { destinations: { onFailure: 'arn:x' } }],
  ['destinations', { onError: 'arn:x' }],
  ['url', { url: true }],
  ['response streaming', { url: { invokeMode: 'RESPONSE_STREAM' } }],
  ['role', { role: 'Own' }],
  ['reservedConcurrency', { provisionedConcurrency: 1 }],
  ['ephemeralStorageSize', { ephemeralStorageSize: 1024 }],
])('%s has no effect on an edge, and that is said once, with what to do instead', (name, definition) => {
  const said = warnings(definition);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(new RegExp(`^${name}.* of readMeter, openVents: without effect on an edge: \\w+`));
});

it('events of a function that is in the cloud as well trigger it there', () => {
  expect(warnings({ events: [{ schedule: 'rate(1 hour)' }] })).toEqual([
    expect.stringMatching(/^events of readMeter: /),
  ]);
});

it('settings of the provider count as those of each function', () => {
  const provider = { vpc: {}, layers: ['arn:aws:lambda:eu-west-1:1:layer:x:1'] };
  expect(warnings({}, provider).map((each) => each.split(' ')[0])).toEqual(['layers', 'vpc']);
});

it("the service's own layers come with the package, and nothing is said", () => {
  expect(warnings({ layers: [{ Ref: 'ToolsLambdaLayer' }] })).toEqual([]);
});
