import { z } from 'zod';

/**
 * `accessControl` in a component's configuration: which IPC operations it may use on which resources.
 * Source: AWS IoT Greengrass V2 developer guide, "Authorize components to perform IPC operations".
 */
const policySchema = z.strictObject({
  policyDescription: z.string().optional(),
  /** `aws.greengrass#PublishToIoTCore`, or `*`. */
  operations: z.array(z.string()).min(1),
  /** Topics with `*` for any text, MQTT wildcards where MQTT has them. */
  resources: z.array(z.string()).default([]),
});

/** Service (`aws.greengrass.ipc.mqttproxy`) → policy id, unique on the core device → policy. */
export const accessControlSchema = z.record(z.string(), z.record(z.string(), policySchema));
export type AccessControl = z.output<typeof accessControlSchema>;

export const PUBSUB_SERVICE = 'aws.greengrass.ipc.pubsub';
export const MQTT_PROXY_SERVICE = 'aws.greengrass.ipc.mqttproxy';
