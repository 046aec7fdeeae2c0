import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface TraceOptions {
  /** Where the sources are: frames are told relative to it. */
  serviceDir: string;
  read?: (file: string) => string | undefined;
  exists?: (file: string) => boolean;
}

/** A frame's place, with or without brackets: a path or `file:` URL, line and column. */
const PLACE = /(?<place>(?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])[^()]*?):(?<line>\d+):(?<column>\d+)(?=\)?$)/;
/** Of Node and of what runs the function, not of the function. */
const FOREIGN = /\(?(?:node:|.*[\\/]functionProcess\.cjs:)/;

/**
 * Stack traces of packaged functions in terms of their sources: through the source maps that lie in the
 * package or its files, without frames of what runs the function. Reads each file once.
 */
export class StackTraces {
  private readonly maps = new Map<string, SourceMap | undefined>();
  private readonly read: (file: string) => string | undefined;
  private readonly exists: (file: string) => boolean;

  constructor(private readonly options: TraceOptions) {
    this.read = options.read ?? readIfThere;
    this.exists = options.exists ?? existsSync;
  }

  resolve(trace: readonly string[]): string[] {
    return trace
      .filter((line) => !(isFrame(line) && FOREIGN.test(line.trim().slice(3))))
      .map((line) => (isFrame(line) ? this.frame(line) : line));
  }

  private frame(line: string): string {
    const { place, line: row, column } = PLACE.exec(line)?.groups ?? {};
    if (place === undefined) return line;
    const file = place.startsWith('file://') ? fileURLToPath(place) : place;
    const origin = this.origin(file, Number(row), Number(column));
    return line.replace(PLACE, () => origin ?? `${this.nearest(file)}:${row}:${column}`);
  }

  /** Undefined where no map tells it. */
  private origin(file: string, line: number, column: number): string | undefined {
    if (!this.maps.has(file)) this.maps.set(file, this.load(file));
    const entry = this.maps.get(file)?.findEntry(line - 1, column - 1);
    if (entry === undefined || !('originalSource' in entry)) return undefined;
    const source = this.nearest(entry.originalSource.replace(/^(file|webpack):\/\/+/, '/'));
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  }

  private load(file: string): SourceMap | undefined {
    const named = [...(this.read(file) ?? '').matchAll(/^\/\/[#@] sourceMappingURL=(\S+)\s*$/gm)].at(-1)?.[1];
    try {
      const text = named === undefined ? undefined : this.mapText(file, named);
      return text === undefined ? undefined : new SourceMap(JSON.parse(text) as SourceMapPayload);
    } catch {
      return undefined;
    }
  }

  private mapText(file: string, named: string): string | undefined {
    const data = /^data:application\/json;(?:charset=[^;]+;)?base64,(.+)$/.exec(named)?.[1];
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
    return this.read(join(dirname(file), decodeURIComponent(named)));
  }

  /**
   * The file of the service that the path ends with: where a package was built and where it is unpacked its
   * sources are not, and only the end of their paths is theirs.
   */
  private nearest(path: string): string {
    const { serviceDir } = this.options;
    const own = relative(serviceDir, path);
    if (!own.startsWith('..') && this.exists(path) && !own.startsWith('.')) return own;
    const parts = normalize(path)
      .split(sep)
      .filter((part) => part !== '..' && part !== '');
    for (let from = 0; from < parts.length; from += 1) {
      const candidate = parts.slice(from).join(sep);
      // Below a folder with a dot lie copies: what was built, what was unpacked.
      if (!candidate.startsWith('.') && this.exists(join(serviceDir, candidate))) return candidate;
    }
    return path;
  }
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
