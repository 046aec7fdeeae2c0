import { copyOf } from './support/service';

/** A bad `edge` section through the framework's own command line. */
describe('a bad edge section', () => {
  const bad = (yaml: string): string =>
    yaml
      .replace('  groups:\n', '  groups:\n    east: { colour: red }\n')
      .replace('version: 2.0.0', 'version: latest')
      .replace('    readMeter:\n      publishes', '    raedMeter:\n      publishes')
      .replace("devices: [sensor-1, 'vent-*']", 'devices: 7');
  const refusal = [
    'edge.groups.east.colour: unknown key (expected one of core, devices, functions, limits, delivery, target, things)',
    'edge.groups.north.devices: found 7, expected a list',
    'edge.functions.openVents.version: found "latest", expected an exact semantic version such as "1.4.0"',
    'edge.functions.raedMeter: found "raedMeter", expected the name of an entry of "functions"; did you mean "readMeter"?',
  ].join('\n');

  it.each(['error', 'warn', 'off'])(
    'is refused with all that is wrong where the framework validates with "%s"',
    async (mode) => {
      const service = await copyOf('greenhouse', (yaml) => `configValidationMode: ${mode}\n${bad(yaml)}`);
      await expect(service.sls('package')).rejects.toThrow(refusal);
    },
    60_000,
  );

  it('is refused for what its functions have that edges have not, before anything is bundled', async () => {
    const service = await copyOf('greenhouse', (yaml) =>
      yaml
        .replace('      SAMPLES: 12', '      TABLE: { Ref: Readings }')
        .replace('    memorySize: 256', '    runtime: python3.13')
        .replace('      UNIT: kelvin', '      LEVEL: 1')
        .replace('    UNIT: celsius', '    BUS: { "Fn::ImportValue": bus }'),
    );
    await expect(service.package()).rejects.toThrow(
      [
        'provider.environment.BUS: found a CloudFormation reference, which an edge cannot resolve, expected a literal, or one for the edge in edge.functions.readMeter.environment.BUS',
        'functions.readMeter.environment.TABLE: found a CloudFormation reference, which an edge cannot resolve, expected a literal, or one for the edge in edge.functions.readMeter.environment.TABLE',
        'functions.readMeter.runtime: found "python3.13", expected a runtime of Node.js: an edge runs no other',
      ].join('\n'),
    );
  });

  it('is refused for a function with the name of a system function', async () => {
    const service = await copyOf('greenhouse', (yaml) =>
      yaml.replace(
        'functions:\n  readMeter:',
        'functions:\n  createFunction:\n    handler: a.b\n  readMeter:',
      ),
    );
    await expect(service.package()).rejects.toThrow(
      'functions.createFunction: the name belongs to a system function of the edge plugin, expected another name',
    );
  });
});
