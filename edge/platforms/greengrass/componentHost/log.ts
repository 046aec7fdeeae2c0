const LEVELS = { info: 30, warn: 40, fatal: 60 };

/** One line of JSON on stderr, as the core writes them: a logging library would double the bundle. */
export function logLine(level: keyof typeof LEVELS, msg: string, fields: object = {}): void {
  process.stderr.write(`${JSON.stringify({ level: LEVELS[level], time: Date.now(), ...fields, msg })}\n`);
}
