import { packageTemplate } from '../support/packaged';

/** Bad `edge` sections, through the framework's own command line. */
describe('the edge section', () => {
  const failing = (edit: (yaml: string) => string): Promise<unknown> =>
    packageTemplate(edit).then(
      () => undefined,
      (error: Error) => error.message,
    );

  it.each([
    [
      'an unknown key',
      (yaml: string) => yaml.replace('    workshop:', '    workshop:\n      colour: red'),
      /colour/,
    ],
    [
      'a function that is not there, with the nearest name',
      (yaml: string) => yaml.replace('    detectAnomaly:\n      version', '    detectAnomly:\n      version'),
      /edge\.functions\.detectAnomly.*did you mean "detectAnomaly"/s,
    ],
    [
      'a version of the wrong form',
      (yaml: string) => yaml.replace('version: 1.2.0', 'version: latest'),
      /edge.functions.detectAnomaly.version/,
    ],
    [
      'a function with the name of a system function',
      (yaml: string) =>
        yaml.replace(
          '  smoothSignal:\n    handler',
          '  createFunction:\n    handler: a.b\n  smoothSignal:\n    handler',
        ),
      /functions\.createFunction.*system function/s,
    ],
    [
      'a service name that makes bucket names too long',
      (yaml: string) => yaml.replace('service: edge-demo', `service: ${'long-'.repeat(8)}name`),
      /edge\.buckets.*too long/s,
    ],
    [
      'the same on a framework that only warns',
      (yaml: string) =>
        yaml
          .replace('configValidationMode: error', 'configValidationMode: warn')
          .replace('version: 1.2.0', 'version: latest'),
      /edge: functions\.detectAnomaly\.version/,
    ],
  ])(
    'refuses %s',
    async (_what, edit, expected) => {
      expect(await failing(edit)).toMatch(expected);
    },
    60_000,
  );
});
