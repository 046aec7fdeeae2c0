import type { Logger } from 'pino';
import { EdgeError, failedReply, type Ask, type AskMessage } from '../../../protocol';
import type { DeviceMessageHandlers } from '../../devices/deviceAccess';
import { receiveByTopic } from '../../devices/topicDevices';
import { createDevices } from './router';
import type { V1Environment } from './environment';
import { bytesOf, incomingTopic, type HandedOver, type V1LambdaContext } from './messages';
import { coreCalls, type CoreSdk } from './sdk';

/**
 * handleDeviceRequest as an on-demand Lambda function of a V1 core: the first step of every device
 * request. Checks it, answers what is wrong with it, and hands it over to edgeCoreMonitor.
 */
export function createDeviceRequestHandler(parts: {
  environment: Pick<V1Environment, 'devicePrefix' | 'monitor'>;
  sdk: CoreSdk;
  log: Logger;
}): (event: unknown, context: V1LambdaContext) => Promise<void> {
  const { environment, log } = parts;
  const calls = coreCalls(parts.sdk);
  return async (event, context) => {
    const devices = createDevices(calls, environment, log);
    const handedOver: Promise<void>[] = [];
    const handOver = async (request: HandedOver): Promise<void> => {
      try {
        await calls.post(environment.monitor, request);
      } catch (cause) {
        log.error({ err: cause }, 'edgeCoreMonitor did not take the request');
        const error = new EdgeError('INTERNAL', 'edgeCoreMonitor does not answer', { cause });
        devices.reply(request.device, 'failed', failedReply(request.message.requestId, error));
      }
    };
    const notHere = (): never => {
      throw new EdgeError('FORBIDDEN_TOPIC', 'calls go to edgeRemoteExecution');
    };
    const handlers: DeviceMessageHandlers = {
      ask(device, ask: Ask, message: AskMessage) {
        if (ask === 'invoke') return notHere();
        handedOver.push(handOver({ device, ask, message }));
      },
      call: notHere,
    };
    const subject = incomingTopic(context) ?? '';
    const { devicePrefix } = environment;
    if (!receiveByTopic(subject, bytesOf(event), { devicePrefix, handlers, devices })) {
      log.warn({ subject }, 'a topic of nobody');
    }
    await Promise.all(handedOver);
    await devices.idle();
  };
}
