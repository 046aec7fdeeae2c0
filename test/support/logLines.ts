import { EventEmitter, once } from 'node:events';

export interface LogLine {
  level: number;
  msg?: string;
  [field: string]: unknown;
}

const ERROR_LEVEL = 50;
const WAIT_MS = 60_000;

/** Keeps a pino log in memory: as a destination (`write`), or line by line. */
export class LogLines {
  readonly lines: LogLine[] = [];
  private readonly added = new EventEmitter().setMaxListeners(0);

  write(text: string): void {
    for (const line of text.split('\n')) {
      if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine);
    }
    this.added.emit('line');
  }

  /** The first line with these fields, logged already or to come. Throws when none comes. */
  async waitFor(fields: Record<string, unknown>): Promise<LogLine> {
    const signal = AbortSignal.timeout(WAIT_MS);
    for (;;) {
      const found = this.lines.find((line) => matches(line, fields));
      if (found !== undefined) return found;
      await once(this.added, 'line', { signal }).catch(() => {
        throw new Error(`no log line with ${JSON.stringify(fields)}`);
      });
    }
  }

  /** What was logged as an error or worse. */
  faults(): LogLine[] {
    return this.lines.filter(({ level }) => level >= ERROR_LEVEL);
  }
}

function matches(line: LogLine, fields: Record<string, unknown>): boolean {
  return Object.entries(fields).every(([name, wanted]) =>
    wanted instanceof RegExp ? wanted.test(String(line[name])) : line[name] === wanted,
  );
}
