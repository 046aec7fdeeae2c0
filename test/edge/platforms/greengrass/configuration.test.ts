import { readCoreConfiguration, coreSettingsOf } from '../../../../edge/platforms/greengrass/configuration';

const GIVEN = {
  ...{ group: 'plant', corePrefix: 'edge/svc-dev', region: 'eu-west-1', httpUrl: 'https://api.example' },
  listen: { certificate: '/etc/edge/server.pem', privateKey: '/etc/edge/server.key' },
  accessControl: { 'aws.greengrass.ipc.mqttproxy': {} },
  settings: 'abc',
};

const read = (value: unknown) => readCoreConfiguration({ configuration: () => Promise.resolve(value) });

test('fills in what the deployment leaves out, and lets pass what is not for the core', async () => {
  const configuration = await read(GIVEN);
  expect(configuration).toMatchObject({
    ...{ delivery: 'hot', revision: 0, devicePrefix: 'edge' },
    listen: { host: '0.0.0.0', port: 8883 },
  });
  expect(coreSettingsOf(configuration, { core: 'core-1', work: '/greengrass/v2/work/core' })).toMatchObject({
    ...{ core: 'core-1', group: 'plant', stateDir: '/greengrass/v2/work/core/state' },
    ...{ poolSize: 2, logLevel: 'info' },
  });
});

test.each([
  ['nothing', undefined, '(whole)'],
  ['no group', { ...GIVEN, group: undefined }, 'group'],
  [
    'a path that is relative',
    { ...GIVEN, listen: { ...GIVEN.listen, privateKey: 'x.key' } },
    'listen.privateKey',
  ],
  ['an unknown delivery', { ...GIVEN, delivery: 'warm' }, 'delivery'],
  ['a broker that listens nowhere', { ...GIVEN, listen: undefined }, 'listen'],
  ['an unknown way to devices', { ...GIVEN, devices: 'moquette' }, 'devices'],
])('%s: the field is named', async (_what, value, field) => {
  await expect(read(value)).rejects.toMatchObject({ code: 'CONFIG_INVALID', field });
});

test('without a broker of its own it listens nowhere', async () => {
  expect(await read({ ...GIVEN, devices: 'pubsub', listen: undefined })).toMatchObject({ devices: 'pubsub' });
});

test('a component has a thing', async () => {
  const configuration = await read(GIVEN);
  expect(() => coreSettingsOf(configuration, { core: undefined, work: '/w' })).toThrow('AWS_IOT_THING_NAME');
});
