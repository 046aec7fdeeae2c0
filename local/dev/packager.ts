import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EdgeError } from '../../protocol';
import type { EdgePackage } from '../../operations/groups/groupFiles';
import {
  PACKAGER_VARIABLE,
  type PackageAgain,
  type PackagedFile,
  type PackagerMessage,
} from '../../operations/packages/packagerChannel';
import { temporaryFolder } from './folders';
import { runFramework, type FrameworkRun } from './framework';
import {
  packageArguments,
  packagingFailure,
  readPackagedService,
  type PackagedService,
  type PackageOptions,
} from './packaging';

export interface PackagedAgain extends EdgePackage {
  /** Name of the Lambda function of the stack that has the same code. */
  cloudFunction?: string;
}

/** A `serverless package` that stays: to package again costs what the bundler needs, and no start. */
export interface Packager {
  readonly service: PackagedService;
  /** Packages what `edge.functions` names. Throws EdgeError in the words of who refuses it. */
  again(): Promise<PackagedAgain[]>;
  close(): Promise<void>;
}

type Answer = Extract<PackagerMessage, { id: number }>;

/** Packages the service. Throws as `packageService`. */
export async function startPackager(options: PackageOptions): Promise<Packager> {
  const { signal } = options;
  const serviceDir = resolve(options.serviceDir);
  const packageDir = resolve(options.packageDir ?? join(serviceDir, '.serverless'));
  const folder = await temporaryFolder();
  signal?.throwIfAborted();
  const env = { ...(options.env ?? process.env), ...folder.variables, [PACKAGER_VARIABLE]: '1' };
  const args = packageArguments({ ...options, packageDir });
  const framework = runFramework(args, { serviceDir, env, ipc: true, onLine: options.onLine });
  const gone = framework.exited.finally(() => folder.remove());
  signal?.addEventListener('abort', framework.end);
  try {
    await Promise.race([ready(framework), gone.then((code) => fail(packagingFailure(framework, code)))]);
    const service = await readPackagedService(packageDir);
    return new StayingFramework(framework, gone, service);
  } catch (error) {
    framework.end();
    await gone.catch(() => undefined);
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', framework.end);
  }
}

function ready({ child }: FrameworkRun): Promise<void> {
  return new Promise((resolve) => {
    const listener = (message: PackagerMessage): void => {
      if (message.type !== 'ready') return;
      child.off('message', listener);
      resolve();
    };
    child.on('message', listener);
  });
}

function fail(error: Error): never {
  throw error;
}

class StayingFramework implements Packager {
  private requests = 0;
  private readonly waiting = new Map<number, (answer: Answer) => void>();

  constructor(
    private readonly framework: FrameworkRun,
    private readonly gone: Promise<number | null>,
    readonly service: PackagedService,
  ) {
    framework.child.on('message', (message: PackagerMessage) => {
      if (message.type !== 'ready') this.waiting.get(message.id)?.(message);
    });
  }

  async again(): Promise<PackagedAgain[]> {
    const id = (this.requests += 1);
    const answered = new Promise<Answer>((resolve) => this.waiting.set(id, resolve));
    const request: PackageAgain = { type: 'package', id };
    this.framework.child.send(request);
    const ended = this.gone.then((code) => fail(packagingFailure(this.framework, code)));
    try {
      const answer = await Promise.race([answered, ended]);
      if (answer.type === 'failed') throw new EdgeError('PACKAGE_INVALID', answer.message);
      return await this.read(answer.packages);
    } finally {
      this.waiting.delete(id);
    }
  }

  async close(): Promise<void> {
    this.framework.end();
    await this.gone.catch(() => undefined);
  }

  /** The next build writes over them. */
  private read(packages: readonly PackagedFile[]): Promise<PackagedAgain[]> {
    return Promise.all(packages.map(async ({ file, ...rest }) => ({ ...rest, bytes: await readFile(file) })));
  }
}
