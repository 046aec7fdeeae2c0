import { basename } from 'node:path';
import type { Clock, Timer } from '../../lib/clock';

/** What saved files ask for. */
export interface ChangePlan {
  /** `functions`: they are packaged again. `service`: all of it is read again. */
  what: 'functions' | 'service';
  /** Relative to the service, in the order in which they were saved. */
  files: string[];
}

export interface ChangesOptions {
  clock: Clock;
  /** One at a time. Its failures are its own business. */
  act: (plan: ChangePlan) => Promise<void>;
}

/** An editor saves in several steps, a formatter right after it. */
const QUIET_MS = 40;
/** A checkout goes on for longer: it is not waited for for ever. */
const LONGEST_WAIT_MS = 1_000;

/**
 * Gathers saved files until they are quiet for a moment, and asks for what they need, one at a time: what
 * is saved meanwhile comes next. Pure but for the clock.
 */
export class Changes {
  private files = new Set<string>();
  private whole = false;
  private since: number | undefined;
  private timer: Timer | undefined;
  private acting = false;
  private closed = false;

  constructor(private readonly options: ChangesOptions) {}

  saved(file: string): void {
    this.files.add(file);
    if (isConfiguration(file)) this.whole = true;
    this.wait();
  }

  /** Asks for all of it, whatever was saved. */
  redeploy(): void {
    this.whole = true;
    this.wait(0);
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  private wait(quietMs = QUIET_MS): void {
    if (this.closed) return;
    const now = this.options.clock.now();
    this.since ??= now;
    const left = Math.max(0, Math.min(quietMs, this.since + LONGEST_WAIT_MS - now));
    this.timer?.cancel();
    this.timer = this.options.clock.setTimeout(() => this.begin(), left);
  }

  private begin(): void {
    if (this.acting || this.closed || this.since === undefined) return;
    const plan: ChangePlan = { what: this.whole ? 'service' : 'functions', files: [...this.files] };
    this.files = new Set();
    this.whole = false;
    this.since = undefined;
    this.acting = true;
    void this.options.act(plan).finally(() => {
      this.acting = false;
      this.begin();
    });
  }
}

const CONFIGURATION = /^(serverless\.(ya?ml|json|[cm]?js|ts)|\.env(\..+)?)$/;

/** What the framework reads once, when it starts. */
function isConfiguration(file: string): boolean {
  return CONFIGURATION.test(basename(file)) && file === basename(file);
}

/** Folders that hold no source: installed, generated, or of tools; all that begin with a dot. */
const NO_SOURCE = ['node_modules', 'coverage', '__pycache__'];
/** Swap and backup files of editors. */
const SCRATCH = /(~|\.sw[a-z]|\.tmp|___jb_(tmp|old)___|^4913|^\.#.*|^#.*#)$/;

/** Whether a function or the service may be made from this file or folder; relative to the service. */
export function maybeSource(path: string): boolean {
  const parts = path.split(/[\\/]/);
  const name = parts.at(-1) ?? '';
  const folders = parts.slice(0, -1);
  if (folders.some(isNoSource)) return false;
  return isConfiguration(path) || (!isNoSource(name) && !SCRATCH.test(name));
}

function isNoSource(folder: string): boolean {
  return NO_SOURCE.includes(folder) || (folder.startsWith('.') && folder !== '.');
}
