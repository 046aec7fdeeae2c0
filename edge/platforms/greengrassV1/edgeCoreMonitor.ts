import { randomBytes } from 'node:crypto';
import { outboxStore } from '../../claims/outbox';
import { definitionStore } from '../../definition/definitionStore';
import { createSystemFunctions, type SystemFunctions } from '../../systemFunctions';
import type { V1Parts } from './handler';
import { LambdaFunctions } from './lambdaFunctions';
import { bytesOf, readHandedOver, incomingTopic, type V1LambdaContext } from './messages';
import { createDevices, createUpstream } from './router';
import { coreCalls } from './sdk';

export interface V1Monitor {
  /** A message from the cloud, by its topic, or one that handleDeviceRequest hands over. */
  handle(event: unknown, context: V1LambdaContext): Promise<void>;
  close(): Promise<void>;
}

/**
 * edgeCoreMonitor as a long-lived Lambda function of a V1 core: it holds the edge system functions, whose
 * requests, claims and definition the on-demand functions could not keep. Starts with the core, so after
 * every deployment: with the functions of that, it tells all devices that the edge is ready, and a device
 * that waited asks again and is served. Its handler answers at once and works on.
 */
export async function startEdgeCoreMonitor(parts: V1Parts): Promise<V1Monitor> {
  const { environment, cloud, clock, log, random = Math.random } = parts;
  const { core, group, devicePrefix, stateDir } = environment;
  const calls = coreCalls(parts.sdk);
  const upstream = createUpstream(calls, environment);
  const devices = createDevices(calls, environment, log);
  const local = new LambdaFunctions(calls, environment.deployed, clock);
  const functions: SystemFunctions = await createSystemFunctions({
    ...{ core, group, devicePrefix, cloud, upstream, local, devices, clock, log, random },
    ...{ wallClock: clock, bringsFunctions: false },
    definitions: definitionStore(stateDir),
    outbox: outboxStore(stateDir),
    // The core authenticates devices by the group's device definition, which has their certificates.
    certificateOf: () => undefined,
    newRequestId: () => randomBytes(16).toString('hex'),
  });
  await functions.start();
  void functions.refresh();
  return {
    async handle(event, context) {
      const [subject, payload] = [incomingTopic(context), bytesOf(event)];
      if (subject !== undefined) {
        if (!upstream.receive(subject, payload)) log.warn({ subject }, 'a topic of nobody');
        return;
      }
      const { device, ask, message } = readHandedOver(payload);
      functions.handlers.ask(device, ask, message);
    },
    async close() {
      await functions.close();
      await local.close();
      await devices.idle();
    },
  };
}
