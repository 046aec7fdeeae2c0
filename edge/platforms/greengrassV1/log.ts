import type { Logger } from 'pino';

const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * JSON lines on stdout, which the core's loggers take, in the shape of pino: pino itself needs a newer
 * Node than a V1 core has.
 */
export function createV1Log(base: object, write: (line: string) => void): Logger {
  const line =
    (level: (typeof LEVELS)[number]) =>
    (fields: unknown, message?: string): void => {
      const known = typeof fields === 'string' ? { msg: fields } : { ...readable(fields), msg: message };
      write(JSON.stringify({ level, time: Date.now(), ...base, ...known }));
    };
  const log = {
    ...Object.fromEntries(LEVELS.map((level) => [level, line(level)])),
    debug: () => undefined,
    trace: () => undefined,
    child: (more: object) => createV1Log({ ...base, ...more }, write),
  };
  return log as unknown as Logger;
}

function readable(fields: unknown): object {
  const { err, ...rest } = (fields ?? {}) as { err?: unknown };
  if (!(err instanceof Error)) return { ...rest, ...(err === undefined ? {} : { err }) };
  return { ...rest, err: { message: err.message, stack: err.stack } };
}
