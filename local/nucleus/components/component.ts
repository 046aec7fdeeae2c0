import type { Lifecycle, LifecycleStepName } from '../../../protocol/greengrass/lifecycle';
import type { LifecycleState } from '../../services/greengrass/coreDevices/store';
import { ErrorCount } from './errorCount';
import { isSuccess, reasonOf, stepOf, within, type Failure } from './steps';
import { Script, skips, type ScriptExit, type ScriptOptions } from './script';

export interface ComponentSpec {
  name: string;
  version: string;
  /** With its variables filled in. */
  lifecycle: Lifecycle;
}

export interface ComponentHost {
  environment(component: string): NodeJS.ProcessEnv;
  workFolder(component: string): string;
  onLine(component: string, line: string, from: 'stdout' | 'stderr'): void;
  onState(component: Component): void;
  /** Resolves when the components that it depends on run; the signal ends the waiting. */
  dependenciesReady(component: string, signal: AbortSignal): Promise<void>;
  guard: ScriptOptions['guard'];
  now(): number;
}

/**
 * One component through its lifecycle: install, then startup or run; after an error recover and again,
 * until the third within an hour breaks it. Source: developer guide, "Component lifecycle".
 */
export class Component {
  state: LifecycleState = 'NEW';
  detail: string | undefined;
  statusCodes: string[] = [];
  changedAt: number;
  readonly #errors: ErrorCount;
  #main: Script | undefined;
  /** Set while it is wanted; aborted when it is to stop. */
  #life: AbortController | undefined;
  #living: Promise<void> = Promise.resolve();
  #turns: Promise<void> = Promise.resolve();
  #retired = false;
  /** What the component says of itself while it starts or runs. */
  #reported: ((state: 'RUNNING' | 'ERRORED') => void) | undefined;

  constructor(
    public spec: ComponentSpec,
    private readonly host: ComponentHost,
  ) {
    this.changedAt = host.now();
    this.#errors = new ErrorCount(() => host.now());
  }

  get name(): string {
    return this.spec.name;
  }

  /** Of the process of its script, while there is one. */
  get pid(): number | undefined {
    return this.#main?.pid;
  }

  /** Runs or has done all that it does. */
  get isReady(): boolean {
    return this.state === 'RUNNING' || this.state === 'FINISHED';
  }

  /** Begins; what becomes of it shows in `state`. Not again once it was retired. */
  start(): void {
    if (this.#life !== undefined || this.#retired) return;
    const life = new AbortController();
    this.#life = life;
    this.#living = this.#living
      .then(() => this.#live(life.signal))
      .catch((error: unknown) => this.#enter('BROKEN', String(error)));
  }

  /** Resolves when no process of it is left. */
  stop(): Promise<void> {
    return this.#inTurn(() => this.#halt());
  }

  /** Stops it for good. */
  retire(): Promise<void> {
    this.#retired = true;
    return this.stop();
  }

  /** With another spec, or the same: from the start, errors forgotten. `install` runs again. */
  reinstall(spec: ComponentSpec): Promise<void> {
    return this.#inTurn(async () => {
      await this.#halt();
      this.spec = spec;
      this.#errors.clear();
      this.#enter('NEW');
      this.start();
    });
  }

  restart(spec: ComponentSpec = this.spec): Promise<void> {
    return this.#inTurn(async () => {
      await this.#halt();
      this.spec = spec;
      this.#enter('INSTALLED');
      this.start();
    });
  }

  /** What the component says of itself over IPC. */
  report(state: 'RUNNING' | 'ERRORED'): void {
    this.#reported?.(state);
  }

  /** A deployment and a dependency may want different things of it at once. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  async #halt(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    life?.abort();
    if (life !== undefined && (this.state === 'STARTING' || this.state === 'RUNNING')) {
      this.#enter('STOPPING');
      await this.#runToEnd('shutdown', 'shutdown');
    }
    await this.#closeMain();
    await this.#living;
  }

  async #live(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.state !== 'BROKEN') {
      const failure = await this.#run(signal);
      if (failure === undefined || signal.aborted) return;
      const { during, code, message } = failure;
      const broken = this.#errors.add(during);
      this.#enter(broken ? 'BROKEN' : 'ERRORED', message, [code]);
      if (broken) return;
      await this.#runToEnd('recover', 'recover');
      if (!signal.aborted) this.#enter(during === 'NEW' ? 'NEW' : 'INSTALLED', message, [code]);
    }
  }

  /** From where it is to the end of its main script. Undefined: finished, or told to stop. */
  async #run(signal: AbortSignal): Promise<Failure | undefined> {
    if (this.state === 'NEW') {
      const problem = await this.#runToEnd('install', 'install');
      if (problem !== undefined) return { during: 'NEW', code: 'INSTALL_ERROR', message: problem };
      if (signal.aborted) return undefined;
      this.#enter('INSTALLED');
    }
    await this.host.dependenciesReady(this.name, signal);
    if (signal.aborted) return undefined;
    this.#enter('STARTING');
    return this.spec.lifecycle.startup === undefined ? this.#runMain(signal) : this.#startUp(signal);
  }

  async #runMain(signal: AbortSignal): Promise<Failure | undefined> {
    const script = await this.#open('run');
    if (script === undefined) return void this.#enter('FINISHED');
    if (signal.aborted) return void (await script.stop());
    this.#main = script;
    this.#enter('RUNNING');
    const end = await within(
      Promise.race([script.exited, this.#says('ERRORED')]),
      this.spec.lifecycle.run,
      'run',
    );
    await this.#closeMain();
    if (signal.aborted) return undefined;
    if (end === 'timeout') return { during: 'RUNNING', code: 'RUN_TIMEOUT', message: 'run took too long' };
    if (isSuccess(end)) return void this.#enter('FINISHED');
    return { during: 'RUNNING', code: 'RUN_ERROR', message: reasonOf('run', end) };
  }

  /** A startup script makes it run by ending well, or by saying so; what it left running goes on. */
  async #startUp(signal: AbortSignal): Promise<Failure | undefined> {
    const script = await this.#open('startup');
    if (script === undefined) return void this.#enter('RUNNING');
    if (signal.aborted) return void (await script.stop());
    this.#main = script;
    const { startup } = this.spec.lifecycle;
    const first = Promise.race([script.exited, this.#says('RUNNING', 'ERRORED')]);
    let end: ScriptExit | string = await within(first, startup, 'startup');
    if (!signal.aborted && (end === 'RUNNING' || isSuccess(end))) {
      this.#enter('RUNNING');
      end = await this.#untilItFails(script, signal);
    }
    if (signal.aborted) return undefined;
    const during = this.state;
    await this.#closeMain();
    if (end === 'timeout') return { during, code: 'STARTUP_TIMEOUT', message: 'startup took too long' };
    return { during, code: 'STARTUP_ERROR', message: reasonOf('startup', end) };
  }

  /** Resolves also when it is to stop. */
  async #untilItFails(script: Script, signal: AbortSignal): Promise<ScriptExit | string> {
    const stopped = new Promise<'stopped'>((resolve) =>
      signal.addEventListener('abort', () => resolve('stopped'), { once: true }),
    );
    const errored = this.#says('ERRORED');
    const end = await Promise.race([script.exited, errored, stopped]);
    return isSuccess(end) ? Promise.race([errored, stopped]) : end;
  }

  /** The next of these that the component reports. */
  #says(...states: ('RUNNING' | 'ERRORED')[]): Promise<'RUNNING' | 'ERRORED'> {
    return new Promise((resolve) => {
      this.#reported = (state) => states.includes(state) && resolve(state);
    });
  }

  async #closeMain(): Promise<void> {
    this.#reported = undefined;
    await this.#main?.stop();
    this.#main = undefined;
  }

  /** What went wrong, or undefined. */
  async #runToEnd(step: LifecycleStepName, what: string): Promise<string | undefined> {
    const script = await this.#open(step);
    if (script === undefined) return undefined;
    const abort = (): void => void script.stop();
    if (step === 'install') this.#life?.signal.addEventListener('abort', abort, { once: true });
    const end = await within(script.exited, this.spec.lifecycle[step], step);
    await script.stop();
    if (end === 'timeout') return `${what} took too long`;
    return end.code === 0 ? undefined : `${what} exited with ${end.code ?? 'a signal'}`;
  }

  /** Undefined when there is no such step, or it is to be skipped. */
  async #open(name: LifecycleStepName): Promise<Script | undefined> {
    const { lifecycle } = this.spec;
    const step = stepOf(lifecycle[name]);
    if (step?.Script === undefined) return undefined;
    const env = { ...this.host.environment(this.name), ...lifecycle.Setenv, ...step.Setenv };
    if (step.Skipif !== undefined && (await skips(step.Skipif, env))) return undefined;
    return new Script({
      script: step.Script,
      cwd: this.host.workFolder(this.name),
      env,
      onLine: (line, from) => this.host.onLine(this.name, line, from),
      guard: this.host.guard,
    });
  }

  #enter(state: LifecycleState, detail?: string, statusCodes: string[] = []): void {
    this.state = state;
    this.detail = detail;
    this.statusCodes = statusCodes;
    this.changedAt = this.host.now();
    this.host.onState(this);
  }
}
