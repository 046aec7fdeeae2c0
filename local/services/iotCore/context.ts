import type { Logger } from 'pino';
import type { CertificateAuthority } from '../../../lib/x509/authority';
import type { CloudContext } from '../../base/context';
import type { IotArns } from './arns';
import type { DeviceAuthorisation } from './authorisation';
import type { IotRegistry } from './registry';

/** What the parts of IoT Core share. */
export interface IotContext {
  readonly cloud: CloudContext;
  /** Signs the certificates of the TLS endpoints, and those that CreateKeysAndCertificate makes. */
  readonly authority: CertificateAuthority;
  readonly arns: IotArns;
  readonly registry: IotRegistry;
  readonly authorisation: DeviceAuthorisation;
  readonly log: Logger;
}

/** Answer of Greengrass discovery for one thing, in AWS's form; undefined when it has no core. */
export type Discovery = (thingName: string) =>
  | {
      GGGroups: {
        GGGroupId: string;
        Cores: {
          thingArn: string;
          Connectivity: { Id: string; HostAddress: string; PortNumber: number; Metadata: string }[];
        }[];
        /** PEM */
        CAs: string[];
      }[];
    }
  | undefined;

/** A request that a device makes over HTTPS with its certificate, which is active. */
export interface DeviceCall {
  method: string;
  pathname: string;
  query: URLSearchParams;
  body: Buffer;
  certificateId: string;
  /** As the device names itself (`x-amzn-iot-thingname`); what is attached to the certificate is to be checked. */
  thingName?: string;
}

/** The JSON answer; undefined when the request is for someone else. Throws AwsError. */
export type DeviceService = (call: DeviceCall) => Promise<unknown> | undefined;
