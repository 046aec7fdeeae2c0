import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { EdgeError, parseJsonWith } from '../../protocol';
import { projectRoot, withTemporaryFolder } from './folders';
import { endChild, forgetChild, registerChild } from './interruption';

export interface PackagedService {
  stackName: string;
  region: string;
  /** The compiled CloudFormation template, parsed. */
  template: unknown;
  /** Folder with the zips that the template's `Code.S3Key` name. */
  artifactsDir: string;
  /** Folder with edge packages (`*.zip`) and group files (`<group>/group.json`). */
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
  /** Ends it at once. */
  signal?: AbortSignal | undefined;
}

const TEMPLATE_FILE = 'cloudformation-template-update-stack.json';
const STATE_FILE = 'serverless-state.json';
const OUTPUT_LINES = 40;

/**
 * Runs `serverless package` as a user would. Throws EdgeError BAD_REQUEST with the CLI's last lines, and the
 * reason of a signal.
 */
export async function packageService(options: PackageOptions): Promise<PackagedService> {
  const serviceDir = resolve(options.serviceDir);
  const packageDir = resolve(options.packageDir ?? join(serviceDir, '.serverless'));
  const args = ['package', '--package', packageDir];
  if (options.stage !== undefined) args.push('--stage', options.stage);
  for (const [name, value] of Object.entries(options.params ?? {})) args.push('--param', `${name}=${value}`);
  const { env = process.env, signal } = options;
  await withTemporaryFolder((own) => runFramework(serviceDir, args, { ...env, ...own }, signal));
  return readPackagedService(packageDir);
}

const stateSchema = z.object({
  service: z.object({
    service: z.string(),
    provider: z.object({ stage: z.string(), region: z.string(), stackName: z.string().optional() }),
  }),
});

/** What an earlier `serverless package` left in `packageDir`. */
export async function readPackagedService(packageDir: string): Promise<PackagedService> {
  const read = (file: string) => readFile(join(packageDir, file), 'utf8');
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

async function runFramework(
  cwd: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const child = spawn(process.execPath, [frameworkCli(cwd), ...args], {
    cwd,
    env: { ...env, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  registerChild(child);
  const end = (): void => endChild(child);
  signal?.addEventListener('abort', end);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  }
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail).once('close', done);
  }).finally(() => {
    signal?.removeEventListener('abort', end);
    forgetChild(child);
  });
  signal?.throwIfAborted();
  if (code === 0) return;
  const tail = output.join('').trimEnd().split('\n').slice(-OUTPUT_LINES).join('\n');
  throw new EdgeError('BAD_REQUEST', `serverless ${args[0]} failed (code ${code}):\n${tail}`);
}

/** The framework that the service has installed, else the one beside this package. */
function frameworkCli(serviceDir: string): string {
  for (const from of [serviceDir, projectRoot()]) {
    const require = createRequire(join(from, 'package.json'));
    for (const name of ['serverless', 'osls']) {
      const manifest = resolveIfThere(require, `${name}/package.json`);
      const cli = manifest === undefined ? undefined : join(dirname(manifest), 'bin', 'serverless.js');
      if (cli !== undefined && existsSync(cli)) return cli;
    }
  }
  throw new EdgeError('NOT_FOUND', 'the Serverless Framework is not installed: npm install osls');
}

function resolveIfThere(require: NodeJS.Require, request: string): string | undefined {
  try {
    return require.resolve(request);
  } catch {
    return undefined;
  }
}
