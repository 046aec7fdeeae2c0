import type { Logger } from 'pino';
import { evaluatePolicies } from '../iam/evaluatePolicies';
import type { IotRegistry } from './registry';

/** Who acts: a certificate, and the name under which it does. */
export interface DeviceIdentity {
  certificateId: string;
  /** Of an MQTT connection. */
  clientId?: string;
  /**
   * The thing name that the caller gives over HTTPS. It counts only when the certificate is attached to that
   * thing.
   */
  thingName?: string;
}

export interface DeviceRequest {
  /** `iot:Publish` */
  action: string;
  /** ARN */
  resource: string;
}

export interface DeviceAuthorisation {
  /** Evaluates the policies that are attached to the certificate now; a refusal is logged. */
  allows(identity: DeviceIdentity, request: DeviceRequest): boolean;
}

export function createDeviceAuthorisation(registry: IotRegistry, log: Logger): DeviceAuthorisation {
  return {
    allows(identity, request) {
      const { certificateId } = identity;
      const context = policyVariables(identity, registry);
      const statements = registry.policies.statementsFor(certificateId);
      const allowed = evaluatePolicies(statements, { ...request, context }, log) === 'allow';
      if (!allowed) log.warn({ ...identity, ...request }, 'denied by the IoT policies of the certificate');
      return allowed;
    },
  };
}

/**
 * As on AWS, the thing's variables have values only where the client id is the name of a thing that
 * the certificate is attached to. A client id with MQTT wildcards gets no variable: put into a topic
 * filter, it would widen the policy.
 */
function policyVariables(
  identity: DeviceIdentity,
  registry: IotRegistry,
): Record<string, string | undefined> {
  const { certificateId, clientId, thingName = clientId } = identity;
  const attached = thingName !== undefined && registry.things.isAttached(thingName, certificateId);
  return {
    'iot:ClientId': clientId === undefined || /[+#]/.test(clientId) ? undefined : clientId,
    'iot:Connection.Thing.ThingName': attached ? thingName : undefined,
    'iot:Connection.Thing.IsAttached': String(attached),
  };
}
