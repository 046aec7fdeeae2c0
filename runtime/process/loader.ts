import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { splitHandler } from '../../protocol/handler';
import type { ErrorResult, InitFailureCode } from '../processMessages';
import { toErrorResult } from './errorResult';

/** A Lambda handler: async, or with a callback. */
export type Handler = (
  event: unknown,
  context: unknown,
  callback: (error?: unknown, output?: unknown) => void,
) => unknown;

/** The module or the handler could not be loaded; `code` says which. */
export class LoadError extends Error {
  override readonly name = 'LoadError';
  constructor(
    readonly code: InitFailureCode,
    readonly result: ErrorResult,
  ) {
    super(result.errorMessage);
  }
}

/**
 * Loads `<module path without extension>.<export>` below `folder`, as Lambda does.
 * Throws LoadError: HANDLER_NOT_FOUND, or FUNCTION_INIT_FAILED with what the module threw.
 */
export async function loadHandler(folder: string, handler: string): Promise<Handler> {
  const directory = path.resolve(folder);
  const { module, exports } = splitHandler(handler);
  const file = findModule(directory, module, handler);
  const loaded = await loadModule(file, directory).catch((thrown: unknown) => {
    throw new LoadError('FUNCTION_INIT_FAILED', toErrorResult(thrown));
  });
  const found = exported(loaded, exports);
  if (typeof found === 'function') return found as Handler;
  throw notFound(`"${handler}": ${path.basename(file)} does not export a function "${exports.join('.')}"`);
}

function findModule(directory: string, modulePath: string, handler: string): string {
  const base = path.resolve(directory, modulePath);
  const isInside = base.startsWith(directory.endsWith(path.sep) ? directory : directory + path.sep);
  const file = ['.js', '.mjs', '.cjs'].map((extension) => base + extension).find(isFile);
  if (isInside && file !== undefined) return file;
  throw notFound(`"${handler}": the package has no ${modulePath}.js, .mjs or .cjs`);
}

function isFile(candidate: string): boolean {
  return statSync(candidate, { throwIfNoEntry: false })?.isFile() ?? false;
}

async function loadModule(file: string, directory: string): Promise<unknown> {
  if (isEsModule(file, directory)) return import(pathToFileURL(file).href);
  try {
    return createRequire(file)(file) as unknown;
  } catch (error) {
    if (!isRefusedByRequire(error)) throw error;
    return import(pathToFileURL(file).href);
  }
}

/** A `.js` file without a package.json that turns out to hold ES module syntax. */
function isRefusedByRequire(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null | undefined)?.code;
  return code === 'ERR_REQUIRE_ESM' || code === 'ERR_REQUIRE_ASYNC_MODULE';
}

function isEsModule(file: string, directory: string): boolean {
  if (!file.endsWith('.js')) return file.endsWith('.mjs');
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const type = packageType(path.join(folder, 'package.json'));
    if (type !== undefined) return type === 'module';
    if (folder === directory || folder === path.dirname(folder)) return false;
  }
}

/** "commonjs" also when the file does not say; undefined when there is no such file. */
function packageType(file: string): string | undefined {
  if (!isFile(file)) return undefined;
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { type?: string }).type ?? 'commonjs';
  } catch {
    return 'commonjs';
  }
}

/** A CommonJS module that was imported may have all of its exports in `default`. */
function exported(loaded: unknown, names: readonly string[]): unknown {
  return memberOf(loaded, names) ?? memberOf(memberOf(loaded, ['default']), names);
}

function memberOf(value: unknown, names: readonly string[]): unknown {
  return names.reduce((found, name) => (found as Record<string, unknown> | null | undefined)?.[name], value);
}

function notFound(message: string): LoadError {
  return new LoadError('HANDLER_NOT_FOUND', {
    errorType: 'Runtime.HandlerNotFound',
    errorMessage: message,
    trace: [],
  });
}
