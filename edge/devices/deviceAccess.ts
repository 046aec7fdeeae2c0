import type { Logger } from 'pino';
import type { Admission } from './admission';
import type { DeviceMessageHandlers } from './broker/receive';
import type { Devices } from '../ports';

/** The way to and from devices: the core's own broker, or what its platform has instead. */
export interface DeviceAccess {
  readonly devices: Devices;
  /**
   * From here on, messages of devices go to `handlers`. Resolves with the port at which devices connect,
   * undefined where they connect to somebody else.
   */
  listen(handlers: DeviceMessageHandlers): Promise<number | undefined>;
  /** The certificate id of a connected device, where the core sees its certificate. */
  certificateOf(device: string): string | undefined;
  close(): Promise<void>;
}

/** What a way to devices needs of the core. */
export interface DeviceAccessParts {
  devicePrefix: string;
  admission: Admission;
  log: Logger;
}
