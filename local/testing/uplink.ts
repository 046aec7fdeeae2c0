import { EdgeError } from '../../protocol';
import type { EdgeOptions } from '../dev/edge';
import type { CloudFormationTemplate, Environment } from '../dev/environment';
import type { Uplink } from './types';
import { Wire } from './wire';

/** The functions that presign addresses of packages. */
const PRESIGNING = ['validateFunction', 'getGroupDefinition'];

/**
 * All of an edge core's ways to the cloud, laid over wires: `mqtt`, `http` (the routes), `identity`
 * (credentials), `control` (connectivity) and `packages`.
 */
export class WiredUplink implements Uplink {
  /** The group whose edge has another way to the cloud. */
  bypassedBy: string | undefined;

  private constructor(
    readonly mqtt: Wire,
    readonly http: Wire,
    readonly identity: Wire,
    readonly control: Wire,
    readonly packages: Wire,
  ) {}

  static async open(): Promise<WiredUplink> {
    const [mqtt, http, identity, control, packages] = await Promise.all(
      Array.from({ length: 5 }, () => Wire.open()),
    );
    return new WiredUplink(mqtt as Wire, http as Wire, identity as Wire, control as Wire, packages as Wire);
  }

  /** For the environment's option of that name. */
  readonly transform = ({ Resources }: CloudFormationTemplate): void => {
    for (const { Properties } of Object.values(Resources)) {
      const { FunctionName, Environment } = (Properties ?? {}) as {
        FunctionName?: string;
        Environment?: { Variables: Record<string, unknown> };
      };
      if (Environment === undefined || !PRESIGNING.some((name) => FunctionName?.endsWith(`-${name}`)))
        continue;
      Environment.Variables['AWS_ENDPOINT_URL_S3'] = `http://127.0.0.1:${this.packages.port}`;
    }
  };

  /** Before the first edge starts. */
  connect({ cloud, outputs }: Environment): void {
    const { endpoints } = cloud;
    this.mqtt.leadTo(endpoints.mqtt);
    this.http.leadTo(addressOf(outputs.httpApiUrl));
    this.identity.leadTo(addressOf(endpoints.iotTls));
    this.control.leadTo(addressOf(endpoints.greengrass));
    this.packages.leadTo(addressOf(endpoints.s3));
  }

  /** For the option of `startEdge` of that name. */
  readonly upstream: NonNullable<EdgeOptions['upstream']> = (upstream) => ({
    ...upstream,
    mqtt: { host: '127.0.0.1', port: this.mqtt.port },
    httpUrl: through(upstream.httpUrl, this.http),
    credentialsUrl: through(upstream.credentialsUrl, this.identity),
    ...(upstream.connectivityUrl && { connectivityUrl: through(upstream.connectivityUrl, this.control) }),
  });

  cut(): void {
    for (const wire of this.whole()) wire.cut();
  }

  silence(): void {
    for (const wire of this.whole()) wire.silence();
  }

  slow(ms: number): void {
    for (const wire of this.whole()) wire.slow(ms);
  }

  mend(): void {
    for (const wire of this.wires()) wire.mend();
  }

  async close(): Promise<void> {
    await Promise.all(this.wires().map((wire) => wire.close()));
  }

  /** Throws UNSUPPORTED when an edge goes past these wires. */
  private whole(): Wire[] {
    if (this.bypassedBy === undefined) return this.wires();
    throw new EdgeError(
      'UNSUPPORTED',
      `the edge of ${this.bypassedBy} runs on Greengrass, past this uplink`,
      {
        expected: 'a group of the engine direct',
      },
    );
  }

  private wires(): Wire[] {
    return [this.mqtt, this.http, this.identity, this.control, this.packages];
  }
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

function through(url: string, wire: Wire): string {
  const rerouted = new URL(url);
  rerouted.port = String(wire.port);
  return rerouted.href.replace(/\/$/, '');
}
