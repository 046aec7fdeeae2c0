import { EdgeError } from '../../../protocol';
import type { CoreConfiguration } from '../../../protocol/greengrass/coreConfiguration';
import { fromDevices } from '../../../protocol/greengrass/localTopics';
import { backoffMs } from '../../../lib/backoff';
import type { Clock, Timer } from '../../../lib/clock';
import type { CoreParts } from '../../core';
import { prepareDeviceBroker } from '../../devices/broker/broker';
import type { DeviceAccess, DeviceAccessParts, DeviceMessageHandlers } from '../../devices/deviceAccess';
import { createTopicDevices, receiveByTopic } from '../../devices/topicDevices';
import type { LocalListener, NucleusClient } from './nucleus';

/** The way to devices that the component's configuration names. Throws when a file cannot be read. */
export async function prepareDevices(
  { devices, listen }: Pick<CoreConfiguration, 'devices' | 'listen'>,
  nucleus: LocalMessages,
  clock: Pick<Clock, 'setTimeout'>,
): Promise<CoreParts['openDevices']> {
  if (devices === 'broker' && listen !== undefined) return prepareDeviceBroker(listen);
  return (parts) => new LocalDevices(nucleus, clock, parts);
}

type LocalMessages = Pick<NucleusClient, 'subscribeLocal' | 'publishLocal'>;

const RETRY = { first: 250, most: 15_000 };

/**
 * Devices on Greengrass's own broker, over the nucleus' local publish/subscribe, to and from which its MQTT
 * bridge relays their messages. A device is who the topic says: that no other device publishes there is for
 * the policy of Greengrass's client device auth (`mqtt:publish` on the topics of the device's own thing name
 * alone), and that no other component does for the `accessControl` of those. The core trusts both, and
 * nothing in a payload; it serves the devices that the group's definition lists and has not revoked, answers
 * each on its own reply topics, and hands no message of one device to another. Connections are not its own:
 * a revoked device stays connected as long as Greengrass lets it, and is refused at each message.
 */
class LocalDevices implements DeviceAccess {
  readonly devices;
  private readonly retries = new Set<Timer>();
  private closed = false;

  constructor(
    private readonly nucleus: LocalMessages,
    private readonly clock: Pick<Clock, 'setTimeout'>,
    private readonly parts: DeviceAccessParts,
  ) {
    this.devices = createTopicDevices((topic, payload) => nucleus.publishLocal(topic, payload), parts);
  }

  /** Throws CORE_NOT_AUTHORISED when `accessControl` does not allow it, or DISCONNECTED. */
  async listen(handlers: DeviceMessageHandlers): Promise<undefined> {
    const { devicePrefix, admission, log } = this.parts;
    const refusalOf = (device: string) => admission.refusalByName(device);
    const receiver = { devicePrefix, handlers, devices: this.devices, refusalOf };
    const receive: LocalListener = (topic, payload) => {
      if (!receiveByTopic(topic, payload, receiver)) log.warn({ topic }, 'a message of no device');
    };
    await Promise.all(fromDevices(devicePrefix).map((filter) => this.subscribe(filter, receive)));
  }

  /** The core sees nothing of another broker's connections. */
  certificateOf(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const retry of this.retries) retry.cancel();
    await this.devices.idle();
  }

  private async subscribe(filter: string, receive: LocalListener): Promise<void> {
    await this.nucleus.subscribeLocal(filter, receive, () => this.subscribeAgain(filter, receive));
  }

  /** What devices say meanwhile is lost; they ask again. */
  private subscribeAgain(filter: string, receive: LocalListener, failures = 0): void {
    if (this.closed) return;
    const retry = this.clock.setTimeout(
      () => {
        this.retries.delete(retry);
        this.subscribe(filter, receive).catch((error: unknown) => {
          const { code, message } = EdgeError.from(error);
          this.parts.log.warn({ filter, code, reason: message }, 'not subscribed to messages of devices');
          this.subscribeAgain(filter, receive, failures + 1);
        });
      },
      backoffMs(failures, RETRY),
    );
    this.retries.add(retry);
  }
}
