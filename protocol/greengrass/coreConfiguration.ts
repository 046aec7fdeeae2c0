import { z } from 'zod';
import { deliverySchema } from '../definition/schema';
import { digestSchema, groupNameSchema } from '../names';
import { DEFAULT_DEVICE_PREFIX } from '../topics';

/**
 * How devices reach the core: on its own broker, or on Greengrass's, whose MQTT bridge relays their messages
 * to and from the nucleus' local publish/subscribe.
 */
export const DEVICE_WAYS = ['broker', 'pubsub'] as const;
export type DeviceWay = (typeof DEVICE_WAYS)[number];

const listenSchema = z.object({
  host: z.string().default('0.0.0.0'),
  port: z.int().min(0).max(65_535).default(8883),
  certificate: z.string().startsWith('/'),
  privateKey: z.string().startsWith('/'),
});

const settingsSchema = z.object({
  group: groupNameSchema,
  devicePrefix: z.string().default(DEFAULT_DEVICE_PREFIX),
  corePrefix: z.string(),
  /** How functions come to this core. */
  delivery: deliverySchema.default('hot'),
  region: z.string(),
  /** HTTP API of the service. */
  httpUrl: z.url(),
  /** Control plane to which the core tells where it listens; absent: it tells nobody. */
  connectivityUrl: z.url().optional(),
  /** PEM of an authority that signs the cloud's servers, beside those that Node.js trusts. */
  ca: z.string().optional(),
  devices: z.enum(DEVICE_WAYS).default('broker'),
  /**
   * Where devices connect to the core's own broker, with which it is required and without which it means
   * nothing; port 0 takes a free one. Certificate and key are files on the node.
   */
  listen: listenSchema.optional(),
  /** Rises with each deployment of a definition: a hint to fetch the latest. */
  revision: z.int().nonnegative().default(0),
  /** Digest of the host bundle that the group's function components are made with. */
  host: digestSchema.optional(),
  poolSize: z.int().min(0).max(16).optional(),
  /** Seconds between status reports when nothing changes. */
  heartbeat: z.int().min(1).max(3_600).optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).optional(),
});

/**
 * The configuration of the core component, as `sls edge core init --platform greengrassv2` deploys it and
 * the core reads it over IPC. What else a component's configuration may hold (`accessControl`) stays out.
 */
export const coreConfigurationSchema = settingsSchema.refine(
  ({ devices, listen }) => devices !== 'broker' || listen !== undefined,
  { path: ['listen'], error: 'expected where devices connect, with devices "broker"' },
);
export type CoreConfiguration = z.output<typeof coreConfigurationSchema>;
export type CoreConfigurationInput = z.input<typeof coreConfigurationSchema>;

/** In the core's work folder: where component hosts connect. */
export const FUNCTIONS_SOCKET = 'functions.sock';
