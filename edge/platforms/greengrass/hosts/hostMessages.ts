import { z } from 'zod';
import { digestSchema } from '../../../../protocol/names';

/**
 * The frames between the core and a component host: a process that Greengrass runs for one version of a
 * function. The host's own connection begins with `hello`; the core has it start and end function
 * processes. Each of those gets a connection of its own, which begins with `instance` and then carries
 * the messages of processMessages.ts.
 */
const HOST_PROTOCOL = 1;

const instance = z.string().min(1).max(64);
const pid = z.int().min(2);

const helloSchema = z.object({
  type: z.literal('hello'),
  protocol: z.literal(HOST_PROTOCOL, { error: `a host that speaks protocol ${HOST_PROTOCOL}` }),
  /** `name@version` */
  key: z.string().regex(/^[a-zA-Z][a-zA-Z0-9_-]{0,47}@.{1,64}$/),
  digest: digestSchema,
  pid,
  /** Folder with the unpacked package. */
  directory: z.string().startsWith('/'),
});
export type HelloMessage = z.infer<typeof helloSchema>;

/** The first message of a connection. */
export const firstMessageSchema = z.discriminatedUnion('type', [
  helloSchema,
  z.object({ type: z.literal('instance'), instance }),
]);

const startedSchema = z.object({ type: z.literal('started'), instance, pid });
const lineSchema = z.object({
  type: z.literal('line'),
  instance,
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
});
const exitedSchema = z.object({
  type: z.literal('exited'),
  instance,
  exitCode: z.int().nullable(),
  signal: z
    .string()
    .nullable()
    .transform((name) => name as NodeJS.Signals | null),
  /** Why it could not be started. */
  failure: z.string().optional(),
});
/** The host was told to stop: it waits a moment for the calls in flight. */
const leavingSchema = z.object({ type: z.literal('leaving') });

/** What a host says after its `hello`. */
export const hostNoticeSchema = z.discriminatedUnion('type', [
  startedSchema,
  lineSchema,
  exitedSchema,
  leavingSchema,
]);
export type HostNotice = z.infer<typeof hostNoticeSchema>;

/**
 * What the core says to a host. `environment`: what a process has to be started with. `released`: nothing
 * of it runs any more.
 */
export type HostCommand =
  | { type: 'start'; instance: string; environment?: Record<string, string> }
  | { type: 'end'; instance: string }
  | { type: 'released' };
