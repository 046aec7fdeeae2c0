/** What a process has to be started with, because nothing can set it later. */
export interface ProcessStart {
  environment: Record<string, string>;
  /** Relative paths in NODE_OPTIONS begin here, as in /var/task on Lambda. */
  directory: string;
}

/**
 * Variables that Node.js, libuv, OpenSSL, the C library or its loader read once, when a process starts.
 * TZ and NODE_ENV are read whenever they are needed.
 */
const READ_AT_START = /^(NODE_(?!ENV$)|UV_|LD_|DYLD_|MALLOC_|GLIBC_|OPENSSL_|SSL_CERT_|ICU_|LC_|LANG$)/;

/**
 * What a function's process has to be started with. Undefined where any process that waits in a pool
 * serves, which is the rule: a function that sets such a variable pays for a start of its own.
 */
export function processStart(spec: {
  environment: Record<string, string>;
  directory: string;
}): ProcessStart | undefined {
  const early = Object.entries(spec.environment).filter(([name]) => READ_AT_START.test(name));
  if (early.length === 0) return undefined;
  return { environment: Object.fromEntries(early), directory: spec.directory };
}
