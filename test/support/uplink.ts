import type { Environment, EdgeOptions } from '../../local';
import type { CloudFormationTemplate } from '../../local';
import { Wire } from './wire';

/** The functions that presign addresses of packages. */
const PRESIGNING = ['validateFunction', 'getGroupDefinition'];

/**
 * All of an edge core's ways to the cloud, laid over wires that a test cuts: `mqtt`, `http` (the
 * routes), `identity` (credentials), `control` (connectivity) and `packages`. What operator and
 * devices do with the cloud goes past them.
 */
export class Uplink {
  private constructor(
    readonly mqtt: Wire,
    readonly http: Wire,
    readonly identity: Wire,
    readonly control: Wire,
    readonly packages: Wire,
  ) {}

  static async open(): Promise<Uplink> {
    const [mqtt, http, identity, control, packages] = await Promise.all(
      Array.from({ length: 5 }, () => Wire.open()),
    );
    return new Uplink(mqtt as Wire, http as Wire, identity as Wire, control as Wire, packages as Wire);
  }

  /** For the environment's option of that name. */
  readonly transform = ({ Resources }: CloudFormationTemplate): void => {
    for (const { Properties } of Object.values(Resources)) {
      const { FunctionName, Environment } = Properties as {
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
    for (const wire of this.wires()) wire.cut();
  }

  silence(): void {
    for (const wire of this.wires()) wire.silence();
  }

  mend(): void {
    for (const wire of this.wires()) wire.mend();
  }

  async close(): Promise<void> {
    await Promise.all(this.wires().map((wire) => wire.close()));
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
