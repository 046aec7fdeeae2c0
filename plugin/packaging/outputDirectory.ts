import path from 'node:path';
import type { Serverless } from '../framework';

/** Where the framework collects what it packages, before it moves it to `--package`. */
export function outputDirectory(serverless: Serverless): string {
  return path.join(serverless.serviceDir, '.serverless');
}

/** Function packages, group files and the manifest; part of what `--package` holds. */
export function edgeDirectory(serverless: Serverless): string {
  return path.join(outputDirectory(serverless), 'edge');
}
