import { promises } from 'node:fs';

/** Stands for `node:fs/promises`, which Node 12 does not have as a module (scripts/build.mjs). */
export const { mkdir, open, readFile, rename } = promises;
