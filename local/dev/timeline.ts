import { preciseNow, type Exchange } from '../../protocol';
import type { Invocation } from '../services/lambda';

const STEP_WIDTH = 9;
const PARTIES_WIDTH = 42;
const WHAT_WIDTH = 58;

/** Collects exchanges of every process and prints them in the order in which they happened. */
export class Timeline {
  private pending: Exchange[] = [];
  private origin: number | undefined;

  constructor(
    private readonly print: (line: string) => void,
    private readonly paint: Paint,
  ) {}

  add(exchange: Exchange): void {
    this.pending.push(exchange);
  }

  /** Times are counted from here. */
  restart(at: number): void {
    this.origin = at;
  }

  flush(): void {
    const ordered = this.pending.sort((a, b) => a.at - b.at);
    this.pending = [];
    for (const exchange of ordered) this.print(this.line(exchange));
  }

  private line(exchange: Exchange): string {
    const at = `${(exchange.at - (this.origin ?? exchange.at)).toFixed(1)} ms`.padStart(11);
    const parties = `${exchange.from} → ${exchange.to}`.padEnd(PARTIES_WIDTH);
    const took = exchange.ms === undefined ? '' : `${exchange.ms.toFixed(1)} ms`;
    const what = exchange.what.padEnd(WHAT_WIDTH);
    const text =
      `${at}  ${exchange.step.padEnd(STEP_WIDTH)} ${parties} ${what} ${took.padStart(9)}`.trimEnd();
    return exchange.ok === false ? this.paint.refused(text) : this.paint.plain(text);
  }
}

export interface Paint {
  plain: (text: string) => string;
  refused: (text: string) => string;
}

/** What woke a system function, where no edge core tells of it already. */
const EVENTS: Record<string, Pick<Exchange, 'from' | 'step' | 'what'>> = {
  createFunction: { from: 'S3', step: 'set-up', what: 'package uploaded' },
  handleDeploymentRequest: { from: 'IoT rule', step: 'stage II', what: 'definition update' },
  performDeployment: { from: 'S3', step: 'stage II', what: 'update stored' },
};
/** Called over HTTP: the core that calls them tells of it. */
const TOLD_BY_THE_CORE = ['validateFunction', 'getGroupDefinition', 'cloudRemoteExecution'];

/** An invocation in the cloud as a step of the timeline, unless that has it already. */
export function invocationExchange(stackName: string, invocation: Invocation): Exchange | undefined {
  const { functionName, ms, ok } = invocation;
  const name = functionName.startsWith(`${stackName}-`)
    ? functionName.slice(stackName.length + 1)
    : functionName;
  if (TOLD_BY_THE_CORE.includes(name)) return undefined;
  const event = EVENTS[name] ?? { from: 'cloudRemoteExecution', step: 'invoke', what: 'invoked' };
  return { at: preciseNow() - ms, to: name, ms, ok, ...event };
}
