import { emptyDefinition, wantedFunctions, type AskMessage, type GroupDefinition } from '../../../protocol';
import { functionFingerprint } from '../../../protocol/greengrassV1';
import { EdgeRemoteExecution } from '../../requests/edgeRemoteExecution';
import { RequestMemory } from '../../requests/requestMemory';
import { ServingVersions } from '../../requests/servingVersions';
import type { Cloud } from '../../ports';
import { definitionStore } from '../../definition/definitionStore';
import { receiveByTopic } from '../../devices/topicDevices';
import { Underway } from '../../../lib/underway';
import { createDevices } from './router';
import type { V1Parts } from './handler';
import { LambdaFunctions } from './lambdaFunctions';
import { bytesOf, incomingTopic, type V1LambdaContext } from './messages';
import { coreCalls } from './sdk';

/**
 * edgeRemoteExecution as an on-demand Lambda function of a V1 core: the proxy for calls, here or in the
 * cloud. Reads the definition that edgeCoreMonitor keeps in the state folder. A handler ends when its call
 * has been answered, because the core may then end the container.
 */
export function createRemoteExecutionHandler(
  parts: V1Parts,
): (event: unknown, context: V1LambdaContext) => Promise<void> {
  const { environment, clock, log } = parts;
  const calls = coreCalls(parts.sdk);
  const underWay = new Underway();
  const devices = createDevices(calls, environment, log);
  const local = new LambdaFunctions(
    { request: (arn, input) => underWay.track(calls.request(arn, input)) },
    environment.deployed,
    clock,
  );
  const cloud: Pick<Cloud, 'invoke'> = {
    invoke: (...call) => underWay.track(parts.cloud.invoke(...call)),
  };
  const store = definitionStore(environment.stateDir);
  let inForce: GroupDefinition = emptyDefinition(environment.group);
  const definition = () => inForce;
  const execution = new EdgeRemoteExecution({
    ...{ cloud, local, devices, clock, definition },
    versions: new ServingVersions({ local, clock, definition }),
    memory: new RequestMemory(devices, clock),
  });

  async function readDefinition(): Promise<void> {
    const stored = await store.load();
    if (stored === undefined || stored.definition.revision === inForce.revision) return;
    inForce = stored.definition;
    // What no deployment has brought yet cannot be waited for: at the next one this process ends.
    const here = wantedFunctions(inForce).filter(({ key }) =>
      environment.deployed.has(functionFingerprint(key)),
    );
    await local.reconcile(here);
  }

  return async (event, context) => {
    await readDefinition();
    const subject = incomingTopic(context) ?? '';
    const handlers = {
      ask: (device: string, _ask: unknown, message: unknown) =>
        execution.invoke(device, message as AskMessage<'invoke'>),
      call: (...call: Parameters<EdgeRemoteExecution['call']>) => execution.call(...call),
    };
    const { devicePrefix } = environment;
    if (!receiveByTopic(subject, bytesOf(event), { devicePrefix, handlers, devices })) {
      log.warn({ subject }, 'a topic of nobody');
    }
    await underWay.idle();
    await devices.idle();
  };
}
