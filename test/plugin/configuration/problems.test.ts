import { readConfiguration } from '../../../plugin/configuration/configuration';
import { EdgeError } from '../../../protocol';
import { frameworkWith } from '../support/framework';

/** The lines of the refusal. */
function problems(edge: unknown, options?: Parameters<typeof frameworkWith>[1]): string[] {
  try {
    readConfiguration(frameworkWith(edge, options));
    return [];
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error;
    expect(error.code).toBe('CONFIG_INVALID');
    return error.message.split('\n');
  }
}

describe('problems of an edge section', () => {
  it.each<[string, unknown, string]>([
    [
      'an unknown key with the nearest one',
      { groups: { attic: { devcies: [] } } },
      'edge.groups.attic.devcies: unknown key; did you mean "devices"? ' +
        '(expected one of core, devices, functions, limits, delivery, target, things)',
    ],
    [
      'an unknown key that is near none',
      { colour: 'red' },
      'edge.colour: unknown key ' +
        '(expected one of engine, groups, functions, topics, buckets, retention, logs, logLevel)',
    ],
    [
      'a value of another type',
      { groups: { attic: { limits: { memory: 'lots' } } } },
      'edge.groups.attic.limits.memory: found "lots", expected a number',
    ],
    [
      'a number that is too small',
      { functions: { readMeter: { memory: 32 } } },
      'edge.functions.readMeter.memory: found 32, expected at least 64',
    ],
    [
      'text of another form',
      { functions: { readMeter: { version: 'latest' } } },
      'edge.functions.readMeter.version: found "latest", expected an exact semantic version such as "1.4.0"',
    ],
    [
      'an element of a list',
      { functions: { readMeter: { locations: ['edge', 'moon'] } } },
      'edge.functions.readMeter.locations.1: found "moon", expected one of edge, cloud',
    ],
    [
      'the only element of a list that stands alone',
      { groups: { attic: { devices: 'sensor 1' } } },
      'edge.groups.attic.devices: found "sensor 1", expected a thing name, in which "*" and "?" are wildcards',
    ],
    [
      'a device whose topics would be those of functions',
      { groups: { attic: { devices: ['sensor-1', 'shared'] } } },
      'edge.groups.attic.devices.1: found "shared", expected another name: "<prefix>/shared/" holds the topics of functions',
    ],
    [
      'a preloaded function with an unknown key',
      {
        functions: { readMeter: null },
        groups: { attic: { functions: [{ function: 'readMeter', vresion: '1' }] } },
      },
      'edge.groups.attic.functions.0.vresion: unknown key; did you mean "version"? ' +
        '(expected one of function, version)',
    ],
    [
      'a preloaded function that is none at all',
      { groups: { attic: { functions: [7] } } },
      'edge.groups.attic.functions.0: found 7, expected the name of a function, or { function: …, version: … }',
    ],
    [
      'a group name',
      { groups: { 'up there': {} } },
      'edge.groups.up there: found "up there", expected 1 to 64 of a-z, A-Z, 0-9, "_" and "-"',
    ],
    [
      'an engine that there is not',
      { engine: 'carrier-pigeon' },
      'edge.engine: found "carrier-pigeon", expected the name of an engine (direct, greengrassv2, greengrass), or { name: …, and its options }',
    ],
    [
      'an option of an engine',
      { engine: { name: 'direct', sweepMinutes: 0 } },
      'edge.engine.sweepMinutes: found 0, expected at least 1',
    ],
    [
      'an engine by name that there is not',
      { engine: { name: 'greengras' } },
      'edge.engine.name: found "greengras", expected one of direct, greengrassv2, greengrass',
    ],
    [
      'an option of another engine',
      { engine: { name: 'direct', delivery: 'hot' } },
      'edge.engine.delivery: unknown key (expected one of name, sweepMinutes)',
    ],
    [
      'a delivery that there is not',
      { engine: { name: 'greengrassv2', delivery: 'warm' } },
      'edge.engine.delivery: found "warm", expected one of hot, components',
    ],
    [
      'a delivery under an engine that knows none',
      { groups: { attic: { delivery: 'components' } } },
      'edge.groups.attic.delivery: found "components" with engine "direct", expected engine "greengrassv2" or no delivery',
    ],
    [
      'a target that is no thing',
      { engine: 'greengrassv2', groups: { attic: { target: 'attic-core' } } },
      'edge.groups.attic.target: found "attic-core", expected the ARN of an IoT thing or thing group',
    ],
    [
      'a bucket that is new and existing at once',
      { buckets: { state: { name: 'one', existing: 'other' } } },
      'edge.buckets.state: found keys with values, expected the name of a bucket, { name: … } or { existing: … }',
    ],
    [
      'the same bucket twice',
      { buckets: { functions: 'shop-edge', state: { existing: 'shop-edge' } } },
      'edge.buckets.state: found "shop-edge", the bucket of the function packages, expected another bucket',
    ],
    [
      'days that CloudWatch does not have',
      { retention: { logs: 15 } },
      'edge.retention.logs: found 15, expected one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, ' +
        '731, 1096, 1827, 2192, 2557, 2922, 3288, 3653',
    ],
    [
      'a function that is not there, with the nearest name',
      { functions: { raedMeter: null } },
      'edge.functions.raedMeter: found "raedMeter", expected the name of an entry of "functions"; ' +
        'did you mean "readMeter"?',
    ],
    [
      'a preloaded function that devices cannot ask for',
      { functions: { readMeter: null }, groups: { attic: { functions: 'forecast' } } },
      'edge.groups.attic.functions.0: found "forecast", expected the name of an entry of "edge.functions": readMeter',
    ],
    [
      'a function that may call one which devices cannot ask for, with the nearest name',
      { functions: { readMeter: { invokes: ['forecst'] }, forecast: null } },
      'edge.functions.readMeter.invokes.0: found "forecst", expected the name of an entry of "edge.functions"; ' +
        'did you mean "forecast"?',
    ],
    [
      'a topic that is none',
      { functions: { readMeter: { publishes: 'alerts/' } } },
      'edge.functions.readMeter.publishes: found "alerts/", expected a topic such as "alerts/line-1", ' +
        'with "+" or "#" as wildcards',
    ],
    [
      'a preloaded function of the cloud',
      { functions: { readMeter: { locations: 'cloud' } }, groups: { attic: { functions: ['readMeter'] } } },
      'edge.groups.attic.functions.0: found "readMeter", which runs in the cloud only, ' +
        'expected a function with location "edge"',
    ],
    [
      'one core for two groups',
      { groups: { attic: { core: 'hub' }, cellar: { core: 'hub' } } },
      'edge.groups.cellar.core: found "hub", the core of group "attic", expected a core of its own',
    ],
    [
      'a core that is a device',
      { groups: { attic: { core: 'hub' }, cellar: { devices: ['hub'] } } },
      'edge.groups.attic.core: found "hub", a device of group "cellar", expected a thing that is no device',
    ],
    ['no section at all', 7, 'edge: found 7, expected keys with values'],
  ])('says %s', (_what, edge, line) => {
    expect(problems(edge)).toEqual([line]);
  });

  it('shows no value of a variable, which may be a secret', () => {
    const [line] = problems({ functions: { readMeter: { environment: { TOKEN: ['hunter2'] } } } });
    expect(line).toBe(
      'edge.functions.readMeter.environment.TOKEN: found a list, expected text, a number, true or false',
    );
  });

  it('says all of them at once, of the form and of the names', () => {
    const lines = problems({
      logLevel: 'loud',
      functions: { raedMeter: { memory: 1, timeout: '9' }, forecast: { devices: ['a b'] } },
      groups: { attic: { functions: ['forcast'] }, cellar: { limits: { storage: 0.5 } } },
    });
    expect(lines.map((line) => line.slice(0, line.indexOf(':'))).sort()).toEqual([
      'edge.functions.forecast.devices.0',
      'edge.functions.raedMeter',
      'edge.functions.raedMeter.memory',
      'edge.functions.raedMeter.timeout',
      'edge.groups.attic.functions.0',
      'edge.groups.cellar.limits.storage',
      'edge.logLevel',
    ]);
  });

  it('refuses an HTTP API that edge cores could not reach', () => {
    expect(problems({}, { provider: { httpApi: { disableDefaultEndpoint: true } } })).toEqual([
      'provider.httpApi.disableDefaultEndpoint: found true, expected false: edge cores call the default endpoint',
    ]);
  });

  it('refuses another provider', () => {
    const framework = frameworkWith({}, { provider: { name: 'google' } });
    framework.getProvider = () => false as never;
    expect(() => readConfiguration(framework)).toThrow('provider.name: found "google", expected "aws"');
  });
});
