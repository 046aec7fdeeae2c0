import { pino, type Logger } from 'pino';

/** JSON lines on stdout, as CloudWatch takes them. Payloads and credentials never go in. */
export function createLog(systemFunction: string): Logger {
  return pino({
    level: process.env.EDGE_LOG_LEVEL ?? 'info',
    base: { function: systemFunction },
    formatters: { level: (level) => ({ level }) },
    redact: ['*.url', '*.headers', '*.body', '*.payload', '*.privateKey', '*.credentials'],
  });
}
