import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import { coreTopic, EdgeError, type CoreKind, type RevisionNotice } from '../../../protocol';
import { backoffMs } from '../../../lib/backoff';
import { Timers, type Clock } from '../../../lib/clock';
import { DOWN, parseDown, type DownKind } from '../../cloud/downMessages';
import type { Upstream } from '../../ports';
import type { NucleusClient } from './nucleus';

export interface NucleusUpstreamOptions {
  nucleus: Pick<NucleusClient, 'subscribe' | 'publish'>;
  core: string;
  corePrefix: string;
  clock: Clock;
  log: Logger;
  /** 0 ≤ n < 1 */
  random: () => number;
  /** Whether the cloud can be reached now; asked while it could not. */
  probe: () => Promise<boolean>;
}

const RETRY = { first: 250, most: 15_000, jitter: 0.5 };

/**
 * The core's way to the cloud over the MQTT connection of the nucleus, with the topics that it would use
 * itself. The nucleus keeps what it cannot send and does not say whether it is online, so whoever else
 * talks to the cloud tells: without that, updates that are sent again and again would pile up in it.
 */
export class NucleusUpstream implements Upstream {
  private readonly events = new EventEmitter();
  private readonly subscribed = new Set<DownKind>();
  private isReachable = true;
  private wasConnected = false;
  private closed = false;
  private readonly timers: Timers<DownKind | 'probe'>;

  constructor(private readonly options: NucleusUpstreamOptions) {
    this.timers = new Timers(options.clock);
    for (const kind of DOWN) void this.subscribe(kind);
  }

  get connected(): boolean {
    return this.isReachable && this.subscribed.size === DOWN.length && !this.closed;
  }

  sendUpdate(update: object): Promise<void> {
    return this.send('update', update);
  }

  sendStatus(status: object): Promise<void> {
    return this.send('status', status);
  }

  sendLogs(logs: object): Promise<void> {
    return this.send('log', logs);
  }

  hurry(): void {
    if (!this.isReachable) this.probe();
  }

  on(event: string, listener: (message: never) => void): void {
    this.events.on(event, listener as (message: unknown) => void);
  }

  /** What the component's configuration says. */
  notice(notice: RevisionNotice): void {
    this.events.emit('revision', notice);
  }

  /** The cloud has answered. */
  reached(): void {
    this.isReachable = true;
    this.timers.cancel('probe');
    this.changed();
  }

  /** The cloud did not answer. */
  lost(): void {
    if (!this.isReachable || this.closed) return;
    this.isReachable = false;
    this.options.log.warn('the cloud cannot be reached');
    this.changed();
    this.probe();
  }

  close(): Promise<void> {
    this.closed = true;
    this.timers.cancelAll();
    this.events.removeAllListeners();
    return Promise.resolve();
  }

  private async send(kind: CoreKind, message: object): Promise<void> {
    if (!this.connected) throw new EdgeError('CLOUD_UNREACHABLE');
    const { nucleus, corePrefix, core } = this.options;
    await nucleus.publish(coreTopic(corePrefix, core, kind), JSON.stringify(message));
  }

  private async subscribe(kind: DownKind, failures = 0): Promise<void> {
    const { nucleus, corePrefix, core, log } = this.options;
    const topic = coreTopic(corePrefix, core, kind);
    const again = (failed: number) => {
      this.subscribed.delete(kind);
      this.changed();
      this.later(kind, failed, () => void this.subscribe(kind, failed + 1));
    };
    try {
      const receive = (payload: Buffer) => this.receive(kind, payload);
      await nucleus.subscribe(topic, receive, () => this.closed || again(0));
      this.subscribed.add(kind);
      this.changed();
    } catch (error) {
      if (this.closed) return;
      const { code, message } = EdgeError.from(error);
      log.warn({ topic, code, reason: message }, 'not subscribed upstream');
      again(failures);
    }
  }

  private receive(kind: DownKind, payload: Buffer): void {
    try {
      this.events.emit(kind, parseDown(kind, payload));
    } catch (err) {
      this.options.log.error({ err, kind }, 'message from the cloud not understood');
    }
  }

  private changed(): void {
    if (this.connected === this.wasConnected) return;
    this.wasConnected = this.connected;
    if (!this.connected) return;
    this.options.log.info('connected upstream');
    this.events.emit('connected');
  }

  private probe(failures = 0): void {
    this.later('probe', failures, () => {
      void this.options.probe().then((reachable) => {
        if (this.closed || this.isReachable) return;
        if (reachable) this.reached();
        else this.probe(failures + 1);
      });
    });
  }

  private later(name: DownKind | 'probe', failures: number, callback: () => void): void {
    if (this.closed) return;
    this.timers.set(name, backoffMs(failures, RETRY, this.options.random), callback);
  }
}
