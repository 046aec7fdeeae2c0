import { tryParseJson } from '../../../lib/json';
import { LOG_LEVELS, splitFunctionKey, type Exchange, type ExchangeError } from '../../../protocol';
import type { StackTraces } from './stackTrace';
import type { Screen } from './text';
import { Timeline } from './timeline';

export interface DevTerminalOptions {
  print: (line: string) => void;
  screen: Screen;
  traces: Pick<StackTraces, 'resolve'>;
  /** How the parties of an exchange are called. */
  nameOf?: (party: string) => string;
  /** Neither exchanges nor output: what changes and what fails alone. */
  quiet?: boolean;
  /** Output of these functions alone. */
  logs?: readonly string[] | undefined;
}

/** A line of an edge core's log, as far as it matters here. */
interface CoreLine {
  level?: number;
  time?: number;
  event?: string;
  core?: string;
  /** `name@version` */
  function?: string;
  stream?: 'stdout' | 'stderr';
  code?: string;
  trace?: string[];
  msg?: string;
}

const PALETTE = ['cyan', 'magenta', 'green', 'blue', 'yellow', 'cyanBright', 'magentaBright'] as const;
/** The core, the call and the crash tell of the same error, each in its own way. */
const SAME_ERROR_MS = 2_000;

/**
 * What `sls edge dev` shows while it runs: exchanges, what functions print and throw, and what edge cores
 * complain about, in the order in which it happened.
 */
export class DevTerminal {
  showsOutput: boolean;
  private readonly timeline: Timeline;
  private readonly told = new Map<string, number>();
  private readonly failed = new Set<string>();

  constructor(private readonly options: DevTerminalOptions) {
    const { print, screen, nameOf, quiet = false } = options;
    this.timeline = new Timeline(print, screen, nameOf);
    this.showsOutput = !quiet;
  }

  exchange(exchange: Exchange): void {
    if (!this.options.quiet) this.timeline.add(exchange);
    const { error, at, function: name } = exchange;
    if (error?.trace !== undefined && name !== undefined) this.thrown(at, name, error);
  }

  /** A line of the log of an edge core. */
  coreLine(text: string): void {
    const line = tryParseJson(text) as CoreLine | undefined;
    if (typeof line !== 'object' || line.event !== undefined) return;
    const { time: at = Date.now(), level = 0, msg = '', stream, code, trace = [] } = line;
    const { name } = line.function === undefined ? {} : splitFunctionKey(line.function);
    if (name !== undefined && stream !== undefined) this.output(at, name, stream, msg);
    else if (name !== undefined && code !== undefined) {
      this.failed.add(line.function ?? '');
      this.thrown(at, name, { code, message: msg, trace });
    } else if (level >= LOG_LEVELS.warn) this.complaint(at, line);
  }

  forgetFailures(): void {
    this.failed.clear();
  }

  /** Whether an edge core has complained of this version since, `name@version`. */
  hasFailed(key: string): boolean {
    return this.failed.has(key);
  }

  /** What a function printed. */
  output(at: number, name: string, stream: 'stdout' | 'stderr', text: string): void {
    const { logs } = this.options;
    if (!this.showsOutput || (logs !== undefined && !logs.includes(name))) return;
    const { colours } = this.options.screen;
    this.timeline.note(at, () => [
      `${this.prefix(at, name)} ${stream === 'stderr' ? colours.red('|') : colours.dim('|')} ${text}`,
    ]);
  }

  /** News of this program itself, at once. */
  say(text: string): void {
    const { colours } = this.options.screen;
    const at = Date.now();
    this.timeline.flush();
    this.options.print(`${colours.dim(this.timeline.time(at))} ${text}`);
  }

  flush(options?: { all?: boolean }): void {
    this.timeline.flush(options);
  }

  private thrown(at: number, name: string, { code, message, trace = [] }: ExchangeError): void {
    const key = `${name} ${code} ${message}`;
    if (at - (this.told.get(key) ?? 0) < SAME_ERROR_MS) return;
    this.told.set(key, at);
    const { colours } = this.options.screen;
    this.timeline.note(at, () => {
      const lines = trace.length === 0 ? [`${code}: ${message}`] : this.options.traces.resolve(trace);
      return lines.map((line) => `${this.prefix(at, name)} ${colours.red('|')} ${colours.red(line)}`);
    });
  }

  private complaint(at: number, { core = 'edge core', code, msg = '' }: CoreLine): void {
    const { screen, nameOf = (party: string) => party } = this.options;
    const { colours } = screen;
    const text = code === undefined ? msg : `${msg} (${code})`;
    this.timeline.note(at, () => [
      `${colours.dim(this.timeline.time(at))} ${colours.yellow(`${nameOf(core)}: ${text}`)}`,
    ]);
  }

  private prefix(at: number, name: string): string {
    const { colours } = this.options.screen;
    return `${colours.dim(this.timeline.time(at))} ${colours[colourOf(name)](name)}`;
  }
}

/** Always the same for a name. */
function colourOf(name: string): (typeof PALETTE)[number] {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return PALETTE[sum % PALETTE.length] ?? 'cyan';
}
