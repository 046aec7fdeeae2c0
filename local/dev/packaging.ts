import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { EdgeError, parseJsonWith } from '../../protocol';
import { withTemporaryFolder } from './folders';
import { runFramework, type FrameworkRun } from './framework';

export interface PackagedService {
  stackName: string;
  region: string;
  /** The compiled CloudFormation template, parsed. */
  template: unknown;
  /** Folder with the zips that the template's `Code.S3Key` name. */
  artifactsDir: string;
  /** Folder with edge packages (`*.package`) and group files (`<group>/group.json`). */
  edgeDir: string;
}

export interface PackageOptions {
  serviceDir: string;
  stage?: string;
  /** Where the package goes; `.serverless` of the service unless told. */
  packageDir?: string;
  /** Values of `${param:…}` in the service's configuration. */
  params?: Record<string, string>;
  env?: NodeJS.ProcessEnv;
  /** Further options of the command line. */
  args?: readonly string[];
  /** Ends it at once. */
  signal?: AbortSignal | undefined;
  /** Every line that the framework and bundlers print. */
  onLine?: ((line: string) => void) | undefined;
}

const TEMPLATE_FILE = 'cloudformation-template-update-stack.json';
const STATE_FILE = 'serverless-state.json';

/**
 * Runs `serverless package` as a user would. Throws EdgeError BAD_REQUEST with the CLI's last lines, and the
 * reason of a signal.
 */
export async function packageService(options: PackageOptions): Promise<PackagedService> {
  const serviceDir = resolve(options.serviceDir);
  const packageDir = resolve(options.packageDir ?? join(serviceDir, '.serverless'));
  const { env = process.env, signal, onLine } = options;
  await withTemporaryFolder(async (own) => {
    signal?.throwIfAborted();
    const args = packageArguments({ ...options, packageDir });
    const framework = runFramework(args, { serviceDir, env: { ...env, ...own }, onLine });
    signal?.addEventListener('abort', framework.end);
    const code = await framework.exited.finally(() => signal?.removeEventListener('abort', framework.end));
    signal?.throwIfAborted();
    if (code !== 0) throw packagingFailure(framework, code);
  });
  return readPackagedService(packageDir);
}

export function packageArguments(options: PackageOptions & { packageDir: string }): string[] {
  const { packageDir, stage, params = {}, args = [] } = options;
  const named = Object.entries(params).flatMap(([name, value]) => ['--param', `${name}=${value}`]);
  return [
    ...['package', '--package', packageDir],
    ...(stage === undefined ? [] : ['--stage', stage]),
    ...named,
    ...args,
  ];
}

/** With the last that it printed. */
export function packagingFailure(framework: FrameworkRun, code: number | null): EdgeError {
  return new EdgeError('BAD_REQUEST', `serverless package failed (code ${code}):\n${framework.tail()}`);
}

const stateSchema = z.object({
  service: z.object({
    service: z.string(),
    provider: z.object({ stage: z.string(), region: z.string(), stackName: z.string().optional() }),
  }),
});

/** What an earlier `serverless package` left in `packageDir`. Throws NOT_FOUND when that is nothing. */
export async function readPackagedService(packageDir: string): Promise<PackagedService> {
  const read = (file: string) =>
    readFile(join(packageDir, file), 'utf8').catch((cause: unknown) => {
      throw new EdgeError('NOT_FOUND', `${packageDir} holds no packaged service: ${file} is missing`, {
        expected: `serverless package --package ${packageDir}`,
        cause,
      });
    });
  const { service } = parseJsonWith(stateSchema, await read(STATE_FILE), STATE_FILE);
  const { stackName, stage, region } = service.provider;
  return {
    stackName: stackName ?? `${service.service}-${stage}`,
    region,
    template: JSON.parse(await read(TEMPLATE_FILE)) as unknown,
    artifactsDir: packageDir,
    edgeDir: join(packageDir, 'edge'),
  };
}
