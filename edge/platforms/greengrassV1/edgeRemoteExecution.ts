import { emptyDefinition, wantedFunctions, type AskMessage, type GroupDefinition } from '../../../protocol';
import { functionFingerprint } from '../../../protocol/greengrassV1';
import { EdgeRemoteExecution } from '../../requests/edgeRemoteExecution';
import { RequestMemory } from '../../requests/requestMemory';
import type { Cloud } from '../../ports';
import { definitionStore } from '../../definition/stores';
import { receiveByTopic } from '../../devices/topicDevices';
import { Underway } from '../../../lib/underway';
import { createDevices } from './devices';
import type { V1Parts } from './edgeCoreMonitor';
import { LambdaFunctions } from './lambdaFunctions';
import { bytesOf, subjectOf, type V1Context } from './messages';
import { coreCalls } from './sdk';

/**
 * edgeRemoteExecution as an on-demand Lambda function of a V1 core: the proxy for calls, here or in the
 * cloud. Reads the definition that edgeCoreMonitor keeps in the state folder. A handler ends when its call
 * has been answered, because the core may then end the container.
 */
export function createRemoteExecutionHandler(
  parts: V1Parts,
): (event: unknown, context: V1Context) => Promise<void> {
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
  let definition: GroupDefinition = emptyDefinition(environment.group);
  const execution = new EdgeRemoteExecution({
    ...{ cloud, local, devices, clock },
    memory: new RequestMemory(devices, clock),
    definition: () => definition,
  });

  async function readDefinition(): Promise<void> {
    const stored = await store.load();
    if (stored === undefined || stored.definition.revision === definition.revision) return;
    definition = stored.definition;
    // What no deployment has brought yet cannot be waited for: at the next one this process ends.
    const here = wantedFunctions(definition).filter(({ key }) =>
      environment.deployed.has(functionFingerprint(key)),
    );
    await local.reconcile(here);
  }

  return async (event, context) => {
    await readDefinition();
    const subject = subjectOf(context) ?? '';
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
