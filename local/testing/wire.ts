import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

interface Address {
  host: string;
  port: number;
}

/** A stretch of TCP that a test cuts and mends; TLS passes through it untouched. */
export class Wire {
  private readonly pairs = new Set<[near: Socket, far: Socket]>();
  private target: Address | undefined;
  private state: 'up' | 'cut' | 'silent' = 'up';
  private stallBytes = Infinity;
  private latencyMs = 0;

  private constructor(private readonly server: Server) {
    server.on('connection', (near) => this.join(near));
  }

  static async open(): Promise<Wire> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Wire(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  leadTo(target: Address): void {
    this.target = target;
  }

  /** Every connection ends, and none can be made. */
  cut(): void {
    this.state = 'cut';
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
  }

  /** Connections stay and can be made, but nothing gets through until it is mended; then it all does. */
  silence(): void {
    this.state = 'silent';
    for (const pair of this.pairs) for (const socket of pair) socket.pause();
  }

  /** What comes from now on takes so many milliseconds longer, in each direction. */
  slow(ms: number): void {
    this.latencyMs = ms;
  }

  /** Every connection that has brought so many bytes back brings no more until it is mended. */
  stallAfter(bytes: number): void {
    this.stallBytes = bytes;
  }

  mend(): void {
    this.state = 'up';
    this.stallBytes = Infinity;
    this.latencyMs = 0;
    for (const pair of this.pairs) for (const socket of pair) socket.resume();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private join(near: Socket): void {
    if (this.state === 'cut' || this.target === undefined) return void near.destroy();
    const far = connect(this.target);
    const pair: [Socket, Socket] = [near, far];
    far.on('data', () => {
      if (far.bytesRead > this.stallBytes) far.pause();
    });
    this.pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      const inTime = this.inOrder();
      from.setNoDelay(true);
      from.on('data', (chunk: Buffer) => inTime(() => void to.write(chunk)));
      from.on('end', () => inTime(() => void to.end()));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        inTime(() => void to.destroy());
        this.pairs.delete(pair);
      });
      if (this.state === 'silent') from.pause();
    }
  }

  /** Runs what it is given one after the other, at once or after the latency of the moment. */
  private inOrder(): (act: () => void) => void {
    let waiting = 0;
    let last = Promise.resolve();
    return (act) => {
      if (this.latencyMs === 0 && waiting === 0) {
        act();
        return;
      }
      const due = performance.now() + this.latencyMs;
      waiting += 1;
      last = last
        .then(() => delay(due - performance.now(), undefined, { ref: false }))
        .then(() => {
          waiting -= 1;
          act();
        });
    };
  }
}
