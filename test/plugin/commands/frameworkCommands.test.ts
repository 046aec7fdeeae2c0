import { edgeOnlyInCommands } from '../../../plugin/commands/frameworkCommands';
import { readConfiguration } from '../../../plugin/configuration/configuration';
import { requireSupported, type Serverless } from '../../../plugin/framework';
import { frameworkWith } from '../support/framework';

const EDGE = { functions: { readMeter: {}, openVents: { locations: ['edge', 'cloud'] } } };

function run(command: string, asked?: string): { functions: string[]; sections: string[] } {
  const framework = frameworkWith(EDGE);
  const sections: string[] = [];
  framework.processedInput = { commands: command.split(' '), options: {} };
  framework.addServiceOutputSection = (name, content) => void sections.push(`${name}: ${content.join(', ')}`);
  edgeOnlyInCommands(framework, readConfiguration(framework), asked);
  return { functions: Object.keys(framework.service.functions), sections };
}

describe('a command of the framework that asks Lambda', () => {
  it.each([
    ['invoke', 'sls edge invoke --function readMeter'],
    ['logs', 'sls edge logs --function readMeter'],
    ['metrics', 'sls edge status'],
    ['rollback function', 'sls edge'],
  ])('%s points to the command for a function that runs on edges only', (command, instead) => {
    expect(() => run(command, 'readMeter')).toThrow('readMeter runs on edges only');
    try {
      run(command, 'readMeter');
    } catch (error) {
      expect((error as { expected?: string }).expected).toContain(instead);
    }
    expect(run(command, 'openVents').functions).toContain('openVents');
  });

  it.each(['info', 'deploy list functions', 'metrics'])('%s is about the others', (command) => {
    expect(run(command).functions).toEqual(['forecast', 'openVents']);
  });

  it('info names them', () => {
    expect(run('info').sections).toEqual(['edge functions: readMeter, more: sls edge functions']);
  });

  it.each(['invoke local', 'offline', 'package'])('%s knows them', (command) => {
    expect(run(command, 'readMeter').functions).toContain('readMeter');
  });
});

describe('a framework', () => {
  const framework = (version: string, aws: object | false | undefined): Serverless =>
    ({
      getVersion: () => version,
      getProvider: () => aws,
      classes: { Error },
    }) as unknown as Serverless;

  it.each([
    ['3.40.0', {}],
    ['3.77.1', {}],
    ['4.3.1', { getAwsSdkV3Config: () => undefined }],
    ['4.3.1', undefined],
  ])('%s is supported', (version, aws) => {
    requireSupported(framework(version, aws));
  });

  it.each([
    ['2.72.3', {}],
    ['4.25.0', {}],
    ['5.0.0', { getAwsSdkV3Config: () => undefined }],
  ])('%s is named, with those that are', (version, aws) => {
    expect(() => requireSupported(framework(version, aws))).toThrow(
      new RegExp(`version ${version.replaceAll('.', '\\.')}[^]*osls 3 or 4 .*, or serverless 3\\.40`),
    );
  });
});
