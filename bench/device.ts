/**
 * The measuring device, a process of its own with the device client's SDK connection: one link to the
 * echo broker, one to the edge, and rounds in which baseline and cases take turns, so that the
 * machine's drift touches all alike.
 *
 * Usage: node device.cjs <plan.json>; prints `{ event: 'run', samples }` per run.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { QOS, type Candidate, type Link } from '../device/link';
import { sdkLinks } from '../device/sdkLink';
import { askTopic, DEFAULT_DEVICE_PREFIX, replyTopic, type Ask } from '../protocol/topics';
import { ECHO_ASK, ECHO_REPLY } from './echoTopics';

/** Asks and answers over one link, matched by request id, with nothing in between: what is timed is the wire. */
class Wire {
  private readonly waiting = new Map<string, (reply: WireReply) => void>();

  constructor(
    private readonly link: Link,
    private readonly qos: 0 | 1,
  ) {}

  /** The link's `message` event takes it. */
  handle(topic: string, payload: Uint8Array): void {
    const body = JSON.parse(Buffer.from(payload).toString('utf8')) as { requestId?: string };
    const kind = topic.slice(topic.lastIndexOf('/') + 1);
    if (kind === 'progress' || body.requestId === undefined) return;
    const settle = this.waiting.get(body.requestId);
    this.waiting.delete(body.requestId);
    settle?.({ kind, body });
  }

  /** Milliseconds from publishing to the answer. Throws when the answer is not `expected`. */
  async time(
    topic: string,
    message: Record<string, unknown>,
    expected: string,
    requestId: string = randomUUID(),
  ): Promise<Timed> {
    const start = performance.now();
    const answer = new Promise<WireReply>((resolve) => this.waiting.set(requestId, resolve));
    void this.link.publish(topic, JSON.stringify({ requestId, ...message }), this.qos);
    const { kind, body } = await answer;
    const ms = performance.now() - start;
    if (kind !== expected)
      throw new Error(`${topic}: expected ${expected}, got ${kind}: ${JSON.stringify(body)}`);
    return { ms, requestId, body };
  }
}

interface WireReply {
  kind: string;
  body: Record<string, unknown>;
}

interface Timed {
  ms: number;
  requestId: string;
  body: Record<string, unknown>;
}

export interface Plan {
  thingName: string;
  certificate: string;
  privateKey: string;
  edge: Candidate;
  echo: Candidate;
  /** Functions: one on the edge already, one that returns its input, and some for one deployment each. */
  present: string;
  mirror: string;
  absent: string[];
  runs: number;
  rounds: number;
  /** Whether each of the absent functions is released before the next. */
  releases: boolean;
}

export interface Samples {
  echo: number[];
  case1: number[];
  case3: number[];
}

const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Plan;

function say(event: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function open(candidate: Candidate, filter: string): Promise<{ wire: Wire; link: Link }> {
  const links = sdkLinks({
    identity: {
      thingName: plan.thingName,
      certificate: readFileSync(plan.certificate, 'utf8'),
      privateKey: readFileSync(plan.privateKey, 'utf8'),
    },
    keepAliveSeconds: 30,
  });
  // The wire needs the link and the link the wire's handler.
  const later: { wire?: Wire } = {};
  const link = await links(
    candidate,
    {
      message: (topic, payload) => later.wire?.handle(topic, payload),
      interrupted: (error) => {
        say({ event: 'failed', message: error.message });
        process.exit(1);
      },
    },
    new AbortController().signal,
  );
  later.wire = new Wire(link, QOS.ask);
  await link.subscribe(filter, QOS.reply);
  return { wire: later.wire, link };
}

async function main(): Promise<void> {
  const echo = await open(plan.echo, ECHO_REPLY);
  const edge = await open(plan.edge, replyTopic(DEFAULT_DEVICE_PREFIX, plan.thingName, '+'));
  const ask = (kind: Ask): string => askTopic(DEFAULT_DEVICE_PREFIX, plan.thingName, kind);
  await edge.wire.time(ask('join'), {}, 'joined');
  await deployStages(edge.wire, ask, plan.mirror);
  for (let run = 0; run < plan.runs; run += 1) {
    say({ event: 'run', samples: await measureRun(echo.wire, edge.wire, ask) });
  }
  for (const name of plan.absent) {
    say({ event: 'deployment', ...(await deployStages(edge.wire, ask, name)) });
    // Makes room for the next; the edge's memory is limited.
    if (plan.releases) await edge.wire.time(ask('release'), { function: name }, 'released');
  }
  await Promise.all([echo.link.close(), edge.link.close()]);
}

async function measureRun(echo: Wire, edge: Wire, ask: (kind: Ask) => string): Promise<Samples> {
  const samples: Samples = { echo: [], case1: [], case3: [] };
  const input = { samples: Array.from({ length: 20 }, (_, index) => index) };
  for (let round = 0; round < plan.rounds; round += 1) {
    const request = { function: plan.present };
    const call = { function: plan.mirror, input };
    samples.echo.push((await echo.time(ECHO_ASK, call, 'reply')).ms);
    samples.case1.push((await edge.time(ask('request'), request, 'ready')).ms);
    samples.case3.push((await edge.time(ask('invoke'), call, 'result')).ms);
  }
  return samples;
}

/** Stage I: request → available. Stage II: confirm → ready. Milliseconds. */
async function deployStages(
  edge: Wire,
  ask: (kind: Ask) => string,
  name: string,
): Promise<{ stage1: number; stage2: number }> {
  const offer = await edge.time(ask('request'), { function: name }, 'available');
  const ready = await edge.time(ask('confirm'), {}, 'ready', offer.requestId);
  return { stage1: offer.ms, stage2: ready.ms };
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say({ event: 'failed', message: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  },
);
