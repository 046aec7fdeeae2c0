import { spawn, type ChildProcess } from 'node:child_process';

/**
 * A function process ends by itself when the host's end of its channel closes, but not while the
 * function runs a loop that never yields. So a shell, of a megabyte or so, is told of every process;
 * when its own input ends while some are left, the host was killed, and it kills them.
 */
const SCRIPT = `
trap '' INT TERM HUP
pids=' '
while read -r op pid; do
  case $op in
    +) pids="$pids$pid " ;;
    -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -s KILL -- "-$pid"; done
`;

export class OrphanGuard {
  private shell: ChildProcess | undefined;

  constructor(private readonly log: { warn(fields: object, message: string): void }) {
    if (process.platform === 'win32') return;
    this.shell = spawn('/bin/sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: {},
    });
    this.shell.once('error', (err) => this.lost(err));
    this.shell.once('exit', () => this.lost());
    this.shell.stdin?.on('error', () => undefined);
  }

  add(pid: number): void {
    this.tell(`+ ${pid}\n`);
  }

  remove(pid: number): void {
    this.tell(`- ${pid}\n`);
  }

  /** Resolves when the shell is gone; it kills what it still knows of. */
  async close(): Promise<void> {
    const shell = this.shell;
    if (shell === undefined) return;
    this.shell = undefined;
    const gone = new Promise<void>((resolve) => shell.once('close', () => resolve()));
    shell.stdin?.end();
    await gone;
  }

  private tell(line: string): void {
    if (this.shell?.stdin?.writable) this.shell.stdin.write(line);
  }

  private lost(err?: Error): void {
    if (this.shell === undefined) return;
    this.shell = undefined;
    this.log.warn({ err }, 'no guard: a function in an endless loop would outlive a killed core');
  }
}
