import type { Logger } from 'pino';
import type { Ask, AskMessage, CallMessage } from '../../protocol';
import type { Devices } from '../ports';
import type { Admission } from './admission';

/** Who gets the checked messages of devices: the edge system functions. */
export interface DeviceMessageHandlers {
  ask: <K extends Ask>(device: string, ask: K, message: AskMessage<K>) => void;
  call: (device: string, functionName: string, message: CallMessage) => void;
}

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
