import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { openComponentHosts } from '../../../../../edge/platforms/greengrass/hosts/componentHosts';
import { HostedPackages } from '../../../../../edge/platforms/greengrass/hosts/hostedPackages';
import { createFunctionHost, type FunctionLogLine } from '../../../../../runtime/host';
import { createLocalFunctions } from '../../../../../edge/definition/functions/localFunctions';
import type { LocalFunctions } from '../../../../../edge/ports';
import type { Clock } from '../../../../../lib/clock';
import {
  functionKey,
  functionManifestSchema,
  type FunctionConfig,
  type WantedFunction,
} from '../../../../../protocol';
import { packageDigest } from '../../../../../protocol/functionPackage';
import { bundle, silent, temporaryFolder, until, writeFiles } from '../../../../runtime/support';

/** A function version with its unpacked package, as Greengrass lays it down. */
export interface Delivered extends WantedFunction {
  directory: string;
}

export function deliver(
  name: string,
  version: string,
  source = `exports.handler = async () => '${version}'`,
  changed: Partial<FunctionConfig> = {},
): Delivered {
  const manifest = functionManifestSchema.parse({
    ...{ name, version, handler: 'index.handler', size: 1, unpackedSize: source.length },
    digest: packageDigest(Buffer.from(`${name} ${version} ${source}`)),
    memory: 256,
    ...changed,
  });
  const directory = writeFiles({ 'index.js': source });
  return { key: functionKey(name, version), manifest, static: false, devices: ['sensor'], directory };
}

/** A component host as Greengrass runs it. */
export class HostProcess {
  readonly process: ChildProcess;
  stdout = '';
  stderr = '';

  constructor(script: string, socketPath: string, { key, manifest, directory }: Delivered) {
    this.process = spawn(
      process.execPath,
      [
        ...[script, '--socket', socketPath, '--name', key],
        ...['--digest', manifest.digest, '--package', directory],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.process.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  get isUp(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    if (!this.isUp) return this.process.exitCode;
    const exit = once(this.process, 'exit');
    this.process.kill(signal);
    await exit;
    return this.process.exitCode;
  }
}

/** The functions of a core, and the hosts that connect to them. Ended with `close()`. */
export class Rig {
  readonly changes: string[] = [];
  readonly lines: FunctionLogLine[] = [];
  readonly socketPath = path.join(temporaryFolder(), 'functions.sock');
  functions!: LocalFunctions;
  private readonly hosts: HostProcess[] = [];

  constructor(
    private readonly script: string,
    private readonly clock?: Clock,
  ) {}

  static buildScript(): string {
    return bundle('edge/platforms/greengrass/componentHost/main.ts', 'componentHost.cjs');
  }

  async open(): Promise<void> {
    const clock = this.clock && { clock: this.clock };
    const hosts = await openComponentHosts({ socketPath: this.socketPath, log: silent, ...clock });
    const onLog = (line: FunctionLogLine) => void this.lines.push(line);
    const notFetched = () => Promise.reject(new Error('nothing is to be fetched here'));
    this.functions = createLocalFunctions({
      host: createFunctionHost({
        ...{ processScript: '', poolSize: 0, processes: hosts, log: silent, onLog, ...clock },
      }),
      store: new HostedPackages(hosts, this.clock),
      ...{ locate: notFetched, download: notFetched, log: silent, ...clock },
    });
    this.functions.on('changed', ({ key, state }) => void this.changes.push(`${key} ${state}`));
  }

  host(delivered: Delivered): HostProcess {
    const host = new HostProcess(this.script, this.socketPath, delivered);
    this.hosts.push(host);
    return host;
  }

  async call(key: string, event: unknown = {}, timeoutMs?: number): Promise<unknown> {
    const call = { requestId: 'r', event, device: 'sensor', ...(timeoutMs !== undefined && { timeoutMs }) };
    return (await this.functions.invoke(key, call)).output;
  }

  states(): string[] {
    return this.functions.list().map(({ key, state }) => `${key} ${state}`);
  }

  running(key: string): Promise<void> {
    return until(() => this.functions.get(key)?.state === 'running');
  }

  async close(): Promise<void> {
    await this.functions.close();
    await Promise.all(this.hosts.map((host) => host.end()));
  }
}
