import { readFile } from 'node:fs/promises';
import { writeClientConfig } from '../../operations/things/deviceAdd';
import { EdgeError } from '../../protocol';
import { addressesOf, isLoopback, LOOPBACK, namesOf, whyNotListen } from './addresses';
import type { Edge } from './edge';
import type { Environment } from './environment';
import type { ProcessEvent } from './process';
import type { DevState } from './state';

export interface DevEdgesOptions {
  environment: Environment;
  /** Of devices: gets `<device>.json`. */
  deviceDir: string;
  /** Where devices reach the edges. */
  host?: string | undefined;
  /** Of the first group; those of the others follow. */
  port?: number | undefined;
  state: DevState;
  onEvent: (event: ProcessEvent) => void;
  onLine: (line: string) => void;
  say: (text: string) => void;
  /** A core is called so in what is shown. */
  nameOf: (core: string, name: string) => void;
  /** An edge core ended that nobody ended. */
  onEnded: (reason: Error) => void;
}

export interface DeviceFile {
  group: string;
  thingName: string;
  file: string;
}

/** The edge cores of the groups, at addresses that stay, and the files with which devices find them. */
export class DevEdges {
  private readonly edges = new Map<string, Edge>();
  private readonly ending = new Set<Edge>();

  constructor(private readonly options: DevEdgesOptions) {}

  all(): Edge[] {
    return [...this.edges.values()];
  }

  /** Ports to be remembered. */
  ports(): Record<string, number> {
    return {
      ...this.options.state.edges,
      ...Object.fromEntries(this.all().map(({ group, port }) => [group, port])),
    };
  }

  /** Starts and stops edge cores until the groups have one each; writes the files of their devices. */
  async follow(groups: readonly string[]): Promise<DeviceFile[]> {
    const gone = this.all().filter(({ group }) => !groups.includes(group));
    await Promise.all(gone.map((edge) => this.stop(edge)));
    // One after another: two would take the same port.
    const ports: [string, number][] = [];
    for (const group of groups)
      if (!this.edges.has(group)) {
        ports.push([group, await this.portOf(group, groups)]);
      }
    await Promise.all(ports.map(([group, port]) => this.start(group, port)));
    return this.writeDeviceFiles();
  }

  /** Resolves when the edges have brought these revisions to run. */
  async reached(wanted: readonly { group: string; revision: number }[]): Promise<void> {
    await Promise.all(
      wanted.map(async ({ group, revision }) => {
        const where = (event: ProcessEvent): boolean => Number(event['revision']) >= revision;
        await this.edges.get(group)?.process.waitFor('reconciled', { where });
      }),
    );
  }

  async writeDeviceFiles(): Promise<DeviceFile[]> {
    const { environment, deviceDir } = this.options;
    const files = Object.values(environment.groups).flatMap(({ group, devices }) => {
      const edge = this.edges.get(group);
      return edge === undefined ? [] : devices.map((device) => ({ group, edge, device }));
    });
    return Promise.all(
      files.map(async ({ group, edge: { host, port }, device }) => {
        const ca = await readFile(device.ca, 'utf8');
        const prefix = environment.outputs.devicePrefix;
        const file = await writeClientConfig(deviceDir, device, { ca, prefix, endpoint: { host, port } });
        return { group, thingName: device.thingName, file };
      }),
    );
  }

  private async start(group: string, port: number): Promise<void> {
    const { environment, host, onEvent, onLine, onEnded, nameOf } = this.options;
    const edge = await environment.startEdge(group, { port, onEvent, onLine, ...(host && { host }) });
    this.edges.set(group, edge);
    nameOf(edge.core, 'edge');
    if (this.edges.size > 1) for (const each of this.all()) nameOf(each.core, each.group);
    void edge.process.exited.then(({ code, signal }) => {
      if (!this.ending.has(edge)) {
        this.edges.delete(group);
        onEnded(new Error(`edge core ${edge.core} ended by itself (${signal ?? `code ${code}`})`));
      }
    });
  }

  private async stop(edge: Edge): Promise<void> {
    this.ending.add(edge);
    this.edges.delete(edge.group);
    await edge.stop();
  }

  /** Throws CONFLICT when the port that is asked for is taken. */
  private async portOf(group: string, groups: readonly string[]): Promise<number> {
    const { host = LOOPBACK, port, state, say } = this.options;
    if (port !== undefined) {
      const own = port + groups.indexOf(group);
      const why = await whyNotListen(host, own);
      if (why !== undefined) throw notFree(host, own, why);
      return own;
    }
    const last = state.edges[group];
    if (last === undefined || (await whyNotListen(host, last)) === undefined) return last ?? 0;
    say(`Port ${last}, which the edge of ${group} had last time, is taken: it gets another one.`);
    return 0;
  }
}

/** In terms of `--port` and `--host`. */
export function notFree(host: string, port: number, why: string): EdgeError {
  if (why === 'EADDRINUSE') {
    return new EdgeError('CONFLICT', `--port: port ${port} is taken by another program`, {
      field: '--port',
      expected: 'another port, or none: a free one is found and kept',
    });
  }
  const text = why === 'EADDRNOTAVAIL' ? 'is no address of this machine' : `cannot be listened at (${why})`;
  const expected = `0.0.0.0, or one of ${namesOf('0.0.0.0').join(', ')}`;
  return new EdgeError('BAD_REQUEST', `--host: ${host} ${text}`, { field: '--host', expected });
}

/** What `--host` opens. */
export function openingText(host: string): string | undefined {
  if (isLoopback(host)) return undefined;
  const where = host === '0.0.0.0' ? `every network of this machine (${addressesOf(host).join(', ')})` : host;
  return (
    `--host: the edge listens on ${where}. Whoever reaches it can try to connect; only devices with a ` +
    'certificate of this service are let in. All else stays on this machine.'
  );
}
