import { posix } from 'node:path';

/**
 * The parts of a handler as Lambda reads it: `index.api.main` is the export `api.main` of
 * `index`, as only what precedes the first dot of the last path segment names the module.
 */
export function splitHandler(handler: string): { module: string; exports: string[] } {
  const file = handler.lastIndexOf('/') + 1;
  const [name = '', ...exports] = handler.slice(file).split('.');
  return { module: posix.normalize(handler.slice(0, file) + name), exports };
}
