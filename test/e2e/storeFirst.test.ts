import type { Environment } from '../../local';
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

/**
 * The service deployed with one permission less where an update that is stored first, or a second way,
 * saves the device: it is served all the same, and the cloud says what it denied.
 */

let place: DeniedPlace | undefined;
afterEach(async () => {
  await place?.environment.close();
  place = undefined;
});

async function start(...args: Parameters<typeof startWithout>): Promise<DeniedPlace> {
  place = await startWithout(...args);
  return place;
}

const claimed = ({ operator, outputs }: Environment) =>
  operator.waitForDefinition(
    outputs.stateBucket,
    GROUP,
    ({ claims }) => claims[claimKey('sensor-1', FUNCTION)]?.version === '1.2.0',
  );

const byS3 = {
  action: 'lambda:InvokeFunction',
  service: 's3.amazonaws.com',
  resource: /-performDeployment$/,
};

describe('the device is served all the same', () => {
  it.each([
    {
      what: 'the hint may not be given: S3 tells performDeployment',
      transform: withoutAction('EdgeHandleDeploymentRequestRole', 'lambda:InvokeFunction'),
      denied: { action: 'lambda:InvokeFunction', resource: /-performDeployment$/ },
    },
    {
      what: 'validateFunction may not read packages: the core asks again in stage II',
      transform: withoutAction('EdgeValidateFunctionRole', 's3:GetObject', /packages/),
      denied: { action: 's3:GetObject', resource: /\/packages\/[0-9a-f]{64}\.zip$/ },
    },
    {
      what: 'handleDeploymentRequest may not answer: the definition does',
      transform: withoutAction('EdgeHandleDeploymentRequestRole', 'iot:Publish', /accepted/),
      denied: { action: 'iot:Publish', resource: /\/core\/edge-demo-dev-workshop-core\/accepted$/ },
    },
    {
      what: 'status reports may not be stored',
      transform: withoutAction('EdgeRuleRole', 's3:PutObject', /status/),
      denied: { action: 's3:PutObject', resource: /\/status\/edge-demo-dev-workshop-core\// },
    },
  ])('when $what', async ({ transform, denied }) => {
    const { environment, log } = await start(transform);
    const device = await environment.connectDevice('sensor-1');
    await expect(device.deploy(FUNCTION)).resolves.toMatchObject({ version: '1.2.0' });
    await log.waitFor(denied);
  });

  it('when S3 may not invoke performDeployment: the hint does', async () => {
    const sweep = new Sweep();
    const { environment, log } = await start(withoutResource('EdgePerformDeploymentPermission'), {
      scheduleTimers: sweep,
    });
    sweep.hold();
    const device = await environment.connectDevice('sensor-1');
    await expect(device.deploy(FUNCTION)).resolves.toMatchObject({ version: '1.2.0' });
    await log.waitFor(byS3);
  });

  it('when nobody may invoke performDeployment but the schedule: the sweep does, later', async () => {
    const sweep = new Sweep();
    const here = await start(
      all(
        withoutResource('EdgePerformDeploymentPermission'),
        withoutAction('EdgeHandleDeploymentRequestRole', 'lambda:InvokeFunction'),
      ),
      { scheduleTimers: sweep },
    );
    const { environment, log } = here;
    const device = await environment.connectDevice('sensor-1');
    sweep.hold();
    // The claim is stored, so it is in force; only the definition has to wait.
    await expect(device.deploy(FUNCTION)).resolves.toMatchObject({ version: '1.2.0' });
    await log.waitFor(byS3);
    await expect(here.claim('sensor-1')).resolves.toBeUndefined();
    sweep.release();
    await claimed(environment);
  });

  it('when performDeployment may not tell the core: a stored claim is in force all the same', async () => {
    const transform = withoutAction('EdgePerformDeploymentRole', 'iot:Publish');
    const here = await start(transform);
    const { environment, log } = here;
    const device = await environment.connectDevice('sensor-1');
    await expect(device.deploy(FUNCTION)).resolves.toMatchObject({ version: '1.2.0' });
    await log.waitFor({ action: 'iot:Publish', resource: /\/core\/edge-demo-dev-workshop-core\/revision$/ });
    await claimed(environment);
    const { port } = here.edge;
    await here.edge.stop();
    here.edge = await environment.startEdge(GROUP, { port });
    await expect(device.deploy(FUNCTION)).resolves.toMatchObject({ version: '1.2.0' });
  });
});

/** The schedule's clock: minutes pass in a moment, unless it is held. The operator's set-up needs it as well. */
class Sweep {
  private held: (() => void)[] | undefined;

  now(): number {
    return Date.now();
  }

  setTimeout(callback: () => void): { cancel(): void } {
    const due = (): void => {
      if (this.held === undefined) callback();
      else this.held.push(callback);
    };
    const timer = setTimeout(due, 100);
    return { cancel: () => clearTimeout(timer) };
  }

  hold(): void {
    this.held = [];
  }

  release(): void {
    const due = this.held ?? [];
    this.held = undefined;
    for (const callback of due) callback();
  }
}
