import { rm } from 'node:fs/promises';

export default async function globalTeardown(): Promise<void> {
  const serviceDir = process.env['EDGE_TEST_SERVICE'];
  if (serviceDir !== undefined) await rm(serviceDir, { recursive: true, force: true });
}
