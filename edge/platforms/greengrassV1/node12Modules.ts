import { promises } from 'node:fs';

/** Stands for the modules of Node that Node 12 does not have (build.mjs): `node:fs/promises`. */
export const { mkdir, open, readFile, rename } = promises;

/** And for `node:diagnostics_channel`: nobody watches the seams on a V1 core. */
export const channel = () => ({ hasSubscribers: false });
export const tracingChannel = () => ({ tracePromise: <T>(run: () => T): T => run() });
