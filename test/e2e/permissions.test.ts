import type { DeviceProcess } from '../../local';
import { claimKey } from '../../protocol';
import { GROUP } from '../support/environment';
import {
  all,
  FUNCTION,
  startWithout,
  withoutAction,
  withoutResource,
  type DeniedPlace,
} from '../support/permissions';
import { connectRaw } from '../support/rawDevice';

/**
 * The service deployed with one permission less: the cloud denies it and says what it denied, and the
 * device is told in bounded time. What storing first saves is in storeFirst.test.ts.
 */
/** Where nobody answers: long enough to get as far as the denial, on a busy machine too. */
const TIMEOUT_MS = 4_000;
const SERVER_UNAVAILABLE = 3;

let place: DeniedPlace | undefined;
afterEach(async () => {
  await place?.environment.close();
  place = undefined;
});

async function start(...args: Parameters<typeof startWithout>): Promise<DeniedPlace> {
  place = await startWithout(...args);
  return place;
}

/** What runs on the edge runs on, whatever the cloud denies. */
async function expectServed(device: DeviceProcess): Promise<void> {
  await expect(device.invoke('smoothSignal', { samples: [1, 2, 3] })).resolves.toBeDefined();
}

describe('the device is told', () => {
  it.each([
    {
      what: 'handleDeploymentRequest may not store updates',
      transform: withoutAction('EdgeHandleDeploymentRequestRole', 's3:PutObject', /requests/),
      code: 'TIMED_OUT',
      denied: { action: 's3:PutObject', resource: /\/requests\/workshop\/.+\.json$/ },
    },
    {
      what: 'validateFunction may not read the registry',
      transform: withoutAction('EdgeValidateFunctionRole', 's3:GetObject', /registry/),
      code: 'INTERNAL',
      denied: { action: 's3:GetObject', resource: /\/registry\/detectAnomaly\/index\.json$/ },
    },
    {
      what: 'the core may not call the routes that validate',
      transform: withoutAction('EdgeCoreRole', 'execute-api:Invoke', /POST/),
      code: 'CORE_NOT_AUTHORISED',
      denied: {
        action: 'execute-api:Invoke',
        resource: /\/POST\/edge\/edge-demo-dev\/groups\/workshop\/functions\/detectAnomaly\/validate$/,
      },
    },
    {
      what: 'the core may not send updates',
      transform: withoutAction('EdgeCorePolicy', 'iot:Publish', /update/),
      code: 'TIMED_OUT',
      denied: { action: 'iot:Publish', resource: /\/core\/edge-demo-dev-workshop-core\/update$/ },
    },
    {
      what: 'the rule may not invoke handleDeploymentRequest',
      transform: withoutResource('EdgeUpdateRulePermission'),
      code: 'TIMED_OUT',
      denied: {
        action: 'lambda:InvokeFunction',
        service: 'iot.amazonaws.com',
        resource: /-handleDeploymentRequest$/,
      },
    },
  ])('$code when $what', async ({ transform, code, denied }) => {
    const here = await start(transform);
    const device = await here.environment.connectDevice('sensor-1');
    const deployed = device.deploy(FUNCTION, code === 'TIMED_OUT' ? { timeout: TIMEOUT_MS } : {});
    await expect(deployed).rejects.toMatchObject({ code });
    await here.log.waitFor(denied);
    await expectServed(device);
    await expect(here.claim('sensor-1')).resolves.toBeUndefined();
  });

  it('CLOUD_ERROR when nobody may read packages for the core, and its claim is taken back', async () => {
    const { environment, log } = await start(
      all(
        withoutAction('EdgeValidateFunctionRole', 's3:GetObject', /packages/),
        withoutAction('EdgeGetGroupDefinitionRole', 's3:GetObject', /packages/),
      ),
    );
    const device = await environment.connectDevice('sensor-1');
    await expect(device.deploy(FUNCTION)).rejects.toMatchObject({ code: 'CLOUD_ERROR' });
    await log.waitFor({ action: 's3:GetObject', resource: /\/packages\/[0-9a-f]{64}\.zip$/ });
    await environment.operator.waitForDefinition(
      environment.outputs.stateBucket,
      GROUP,
      ({ claims }) => claims[claimKey('sensor-1', FUNCTION)]?.released === true,
    );
  });

  it('CLOUD_UNREACHABLE when the core may not subscribe to answers', async () => {
    const { environment, log } = await start(withoutAction('EdgeCorePolicy', 'iot:Subscribe'));
    const device = await environment.connectDevice('sensor-1');
    await expect(device.deploy(FUNCTION)).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
    await log.waitFor({ action: 'iot:Subscribe', resource: /\/core\/edge-demo-dev-workshop-core\/\w+$/ });
    await expectServed(device);
  });

  it('CLOUD_ERROR when cloudRemoteExecution may not invoke', async () => {
    const { environment, log } = await start(
      withoutAction('EdgeCloudRemoteExecutionRole', 'lambda:InvokeFunction'),
    );
    const device = await environment.connectDevice('sensor-1');
    const inCloud = device.invoke('trainModel', { samples: [1, 2, 3] }, { location: 'cloud' });
    await expect(inCloud).rejects.toMatchObject({ code: 'CLOUD_ERROR' });
    await log.waitFor({ action: 'lambda:InvokeFunction', resource: /-trainModel(:[^:]+)?$/ });
    await expectServed(device);
  });

  it.each([
    {
      what: 'read definitions',
      transform: withoutAction('EdgeCoreRole', 'execute-api:Invoke', /GET/),
      denied: {
        action: 'execute-api:Invoke',
        resource: /\/GET\/edge\/edge-demo-dev\/groups\/workshop\/definition$/,
      },
    },
    {
      what: 'have credentials',
      transform: withoutAction('EdgeCorePolicy', 'iot:AssumeRoleWithCertificate'),
      denied: { action: 'iot:AssumeRoleWithCertificate', resource: /rolealias\// },
    },
  ])(
    'at once, that the edge cannot tell who it is, when the core may not $what',
    async ({ transform, denied }) => {
      const { environment, edge, log } = await start(transform);
      const files = await environment.deviceCredentials('sensor-1');
      await expect(connectRaw(edge, files)).rejects.toMatchObject({ code: SERVER_UNAVAILABLE });
      await log.waitFor(denied);
    },
  );
});
