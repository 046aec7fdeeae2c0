import { preciseNow, type Exchange } from '../../../protocol';
import type { Invocation } from '../../services/lambda';
import { cut, oneLine, widthOf, type Screen } from './text';

/** What processes tell arrives late by a few milliseconds: so long it is held back, to be put in order. */
const HOLD_MS = 100;

/** Collects what every process tells and prints it in the order in which it happened. */
export class Timeline {
  private pending: { at: number; lines: () => readonly string[] }[] = [];
  private origin: number | undefined;

  constructor(
    private readonly print: (line: string) => void,
    private readonly screen: Screen,
    /** How the parties of an exchange are called. */
    private readonly nameOf: (party: string) => string = (party) => party,
  ) {}

  /** One line. */
  add(exchange: Exchange): void {
    this.note(exchange.at, () => [this.line(exchange)]);
  }

  /** Lines of another kind that belong between exchanges. `at`: milliseconds since the epoch. */
  note(at: number, lines: () => readonly string[]): void {
    this.pending.push({ at, lines });
  }

  /** From here on times are counted from this moment, where they are times of the day else. */
  restart(at: number): void {
    this.origin = at;
  }

  /** Prints what cannot be preceded by anything any more; with `all` the rest, too. */
  flush({ all = true }: { all?: boolean } = {}): void {
    const until = all ? Infinity : preciseNow() - HOLD_MS;
    const due = this.pending.filter(({ at }) => at <= until);
    this.pending = this.pending.filter(({ at }) => at > until);
    for (const { lines } of due.sort((a, b) => a.at - b.at)) {
      for (const line of lines()) this.print(line);
    }
  }

  /** As all lines begin. */
  time(at: number): string {
    if (this.origin === undefined) return timeOfDay(at);
    return `${(at - this.origin).toFixed(1)} ms`.padStart(11);
  }

  private line(exchange: Exchange): string {
    const { colours, columns } = this.screen;
    const time = this.time(exchange.at);
    const text = exchangeText(exchange, this.nameOf, (columns() ?? Infinity) - widthOf(time) - 1);
    const failed = exchange.ok === false;
    return `${colours.dim(time)} ${failed ? colours.yellow(text) : text}`;
  }
}

/**
 * `stage I  sensor-1 → edge  request detect  12.5 ms` in so many columns: the code of a failure and the duration stay,
 * its message is cut first.
 */
export function exchangeText(
  exchange: Exchange,
  nameOf: (party: string) => string,
  columns = Infinity,
): string {
  const { from, to, step, what, function: name, error, ms } = exchange;
  const about = name === undefined || what.includes(name) ? what : `${what} ${name}`;
  const parties = oneLine(`${nameOf(from)} → ${nameOf(to)}`);
  const code = error === undefined ? '' : `  ${error.code}`;
  const took = ms === undefined ? '' : `  ${ms.toFixed(1)} ms`;
  const head = cut(`${step}  ${parties}  ${oneLine(about)}`, columns - widthOf(code + took));
  const left = columns - widthOf(head + code + took) - 2;
  const message = error === undefined ? '' : oneLine(error.message);
  const said = message === '' || left < SHORTEST_MESSAGE ? '' : `: ${cut(message, left)}`;
  return `${head}${code}${said}${took}`;
}

/** Less than this of a message says nothing. */
const SHORTEST_MESSAGE = 8;

/** `14:03:07.123`, in the time zone of this machine. */
function timeOfDay(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
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
  const { functionName, ms, ok, failure } = invocation;
  const name = ownName(stackName, functionName);
  if (TOLD_BY_THE_CORE.includes(name)) return undefined;
  const event = EVENTS[name] ?? { from: 'cloudRemoteExecution', step: 'invoke', what: 'invoked' };
  if (failure === undefined) return { at: preciseNow(), to: name, ms, ok, ...event };
  const { errorType, errorMessage, trace } = failure;
  const error = { code: errorType, message: errorMessage, ...(trace && { trace }) };
  return { at: preciseNow(), to: name, ms, ok, function: name, error, ...event };
}

/** Without what the framework puts before the names of a stack's functions. */
export function ownName(stackName: string, lambdaName: string): string {
  return lambdaName.startsWith(`${stackName}-`) ? lambdaName.slice(stackName.length + 1) : lambdaName;
}
