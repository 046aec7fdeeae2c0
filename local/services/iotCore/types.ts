import type { Logger } from 'pino';
import type { CloudContext } from '../../base/context';
import type { IotArns } from './arns';
import type { CertificateAuthority } from '../../../lib/x509/authority';
import type { DeviceAuthorisation, DeviceIdentity, DeviceRequest } from './authorisation';
import type { Registry } from './registry';
import type { RuleInput } from './rules';
import type { ConnectRules } from './rules/actions';

/** What the parts of IoT Core share. */
export interface IotContext {
  readonly cloud: CloudContext;
  readonly authority: CertificateAuthority;
  readonly arns: IotArns;
  readonly registry: Registry;
  readonly authorisation: DeviceAuthorisation;
  readonly log: Logger;
}

/** Answer of Greengrass discovery for one thing, in AWS's form; undefined when it has no core. */
export type Discovery = (thingName: string) => DiscoveryResponse | undefined;

export interface DiscoveryResponse {
  GGGroups: {
    GGGroupId: string;
    Cores: { thingArn: string; Connectivity: ConnectivityInfo[] }[];
    /** PEM */
    CAs: string[];
  }[];
}

export interface ConnectivityInfo {
  Id: string;
  HostAddress: string;
  PortNumber: number;
  Metadata: string;
}

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

export interface IotCore {
  /** Mutual TLS, MQTT 3.1.1. */
  readonly mqtt: { readonly host: string; readonly port: number };
  /** Control plane: `AWS_ENDPOINT_URL_IOT`. */
  readonly controlUrl: string;
  /** Data plane: `AWS_ENDPOINT_URL_IOT_DATA_PLANE`. */
  readonly dataUrl: string;
  /** Mutual TLS: credentials provider and Greengrass discovery. */
  readonly tlsUrl: string;
  /** PEM of the authority that signed the certificates of the two TLS endpoints. */
  readonly caPem: string;
  /** Things, certificates and attachments, without the SDK. */
  readonly registry: Registry;
  readonly arns: IotArns;

  /** Creates or replaces. `document` is an object. Throws AwsError MalformedPolicyException. */
  putPolicy(policyName: string, document: unknown): { arn: string };
  deletePolicy(policyName: string): void;
  /** Creates or replaces. */
  putRoleAlias(
    roleAlias: string,
    input: { roleArn: string; credentialDurationSeconds?: number },
  ): { arn: string };
  deleteRoleAlias(roleAlias: string): void;
  createThing(thingName: string, attributes?: Record<string, string>): { arn: string; thingId: string };
  deleteThing(thingName: string): void;
  /** Creates or replaces. Throws AwsError SqlParseException, InvalidRequestException. */
  putRule(ruleName: string, rule: RuleInput): { arn: string };
  deleteRule(ruleName: string): void;

  /** Gives rules the services that their actions need. Before it, an action fails and is logged. */
  connect: ConnectRules;
  /** Gives the discovery endpoint its answers (Greengrass). Before it, every thing has none. */
  serveDiscovery(discovery: Discovery): void;
  /** Adds requests of devices that another service answers (Greengrass). */
  serveDevices(service: DeviceService): void;
  /** Whether the IoT policies of the certificate allow it; a refusal is logged. */
  allows(identity: DeviceIdentity, request: DeviceRequest): boolean;
  /**
   * Policy variables of a session that the credentials provider made (`credentials-iot:ThingName`),
   * by access key id; empty for any other.
   */
  credentialVariables(accessKeyId: string): Record<string, string>;
  close(): Promise<void>;
}
