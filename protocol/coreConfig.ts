import { z } from 'zod';
import { groupNameSchema, thingNameSchema } from './names';
import { DEFAULT_DEVICE_PREFIX } from './topics';

/** What a core has to know wherever it runs. */
export const coreSettingsSchema = z.strictObject({
  core: thingNameSchema,
  group: groupNameSchema,
  /** Folder for the definition, claims and packages. Survives restarts. */
  stateDir: z.string(),
  devicePrefix: z.string().default(DEFAULT_DEVICE_PREFIX),
  corePrefix: z.string(),
  /** Pre-started idle processes. */
  poolSize: z.int().min(0).max(16).default(2),
  /** Seconds between status reports when nothing changes; absent: 60. */
  heartbeat: z.int().min(1).max(3_600).optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});
export type CoreSettings = z.infer<typeof coreSettingsSchema>;

/** The core's own broker. Certificate and key are files. */
const listenSchema = z.strictObject({
  host: z.string().default('0.0.0.0'),
  /** 0 takes a free one. */
  port: z.int().min(0).max(65_535).default(8883),
  certificate: z.string(),
  privateKey: z.string(),
});
export type ListenSettings = z.infer<typeof listenSchema>;

/** The configuration file of a standalone core (`--config <file>`). Paths are relative to the file. */
export const coreConfigSchema = coreSettingsSchema.extend({
  /** Where devices connect. */
  listen: listenSchema,
  upstream: z.strictObject({
    region: z.string(),
    /** PEM of the authority that signs the cloud's servers; absent: the system's. */
    ca: z.string().optional(),
    certificate: z.string(),
    privateKey: z.string(),
    mqtt: z.strictObject({ host: z.string(), port: z.int() }),
    /** HTTP API of the service. */
    httpUrl: z.url(),
    /** IoT credentials provider, mutual TLS. */
    credentialsUrl: z.url(),
    roleAlias: z.string(),
    /** Greengrass control plane to which the core tells where it listens; absent: it tells nobody. */
    connectivityUrl: z.url().optional(),
  }),
});
export type CoreConfig = z.infer<typeof coreConfigSchema>;
