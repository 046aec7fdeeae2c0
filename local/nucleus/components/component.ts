import type { Lifecycle, LifecycleStepName } from '../../../protocol/greengrass/lifecycle';
import type { LifecycleState } from '../../services/greengrass/coreDevices/store';
import type { Script } from './script';
import { isSuccess, openStep, reasonOf, withinStep, type ScriptPlace, type StepEnd } from './steps';

export interface ComponentSpec {
  name: string;
  version: string;
  /** With its variables filled in. */
  lifecycle: Lifecycle;
}

/** What a component needs of the core around it. */
export interface ComponentPorts extends ScriptPlace {
  onState: (component: Component) => void;
  /** Resolves when the components that it depends on run; the signal ends the waiting. */
  dependenciesReady: (component: string, signal: AbortSignal) => Promise<void>;
  now: () => number;
}

/** What a component can say of itself over IPC. */
export type ReportedState = 'RUNNING' | 'ERRORED';

/** What went wrong, and in which state. */
interface StepFailure {
  during: LifecycleState;
  code: string;
  message: string;
}

/** So many errors in the same state within an hour break a component (`Lifecycle.java` of the nucleus). */
const MOST_ERRORS = 3;
const ERRORS_COUNT_MS = 3_600_000;

/**
 * One component through its lifecycle: install, then startup or run; after an error recover and again,
 * until the third within an hour breaks it. Source: developer guide, "Component lifecycle".
 */
export class Component {
  state: LifecycleState = 'NEW';
  detail: string | undefined;
  statusCodes: string[] = [];
  changedAt: number;
  /** When errors happened, by the state in which they did. */
  readonly #errors = new Map<LifecycleState, number[]>();
  #main: Script | undefined;
  /** Set while it is wanted; aborted when it is to stop. */
  #life: AbortController | undefined;
  #living: Promise<void> = Promise.resolve();
  #turns: Promise<void> = Promise.resolve();
  #retired = false;
  /** What the component says of itself while it starts or runs. */
  #reported: ((state: ReportedState) => void) | undefined;

  constructor(
    public spec: ComponentSpec,
    private readonly ports: ComponentPorts,
  ) {
    this.changedAt = ports.now();
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
      .catch((error: unknown) => {
        this.#enter('BROKEN', String(error));
      });
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
    return this.#inTurn(() => {
      this.#errors.clear();
      return this.#beginAgain('NEW', spec);
    });
  }

  restart(spec: ComponentSpec = this.spec): Promise<void> {
    return this.#inTurn(() => this.#beginAgain('INSTALLED', spec));
  }

  /** What the component says of itself over IPC. */
  report(state: ReportedState): void {
    this.#reported?.(state);
  }

  /** A deployment and a dependency may want different things of it at once. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  async #beginAgain(state: 'NEW' | 'INSTALLED', spec: ComponentSpec): Promise<void> {
    await this.#halt();
    this.spec = spec;
    this.#enter(state);
    this.start();
  }

  async #halt(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    life?.abort();
    if (life !== undefined && (this.state === 'STARTING' || this.state === 'RUNNING')) {
      this.#enter('STOPPING');
      await this.#runToEnd('shutdown');
    }
    await this.#closeMain();
    await this.#living;
  }

  async #live(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.state !== 'BROKEN') {
      const failure = await this.#run(signal);
      if (failure === undefined || isAborted(signal)) return;
      const { during, code, message } = failure;
      const broken = this.#isOneTooMany(during);
      this.#enter(broken ? 'BROKEN' : 'ERRORED', message, [code]);
      if (broken) return;
      await this.#runToEnd('recover');
      if (!isAborted(signal)) this.#enter(during === 'NEW' ? 'NEW' : 'INSTALLED', message, [code]);
    }
  }

  #isOneTooMany(during: LifecycleState): boolean {
    const now = this.ports.now();
    const recent = (this.#errors.get(during) ?? []).filter((at) => now - at < ERRORS_COUNT_MS);
    this.#errors.set(during, [...recent, now]);
    return recent.length + 1 >= MOST_ERRORS;
  }

  /**
   * Runs the component from where it is to the end of its main script. Undefined when it finished or was told
   * to stop.
   */
  async #run(signal: AbortSignal): Promise<StepFailure | undefined> {
    if (this.state === 'NEW') {
      const problem = await this.#runToEnd('install');
      if (problem !== undefined) return { during: 'NEW', code: 'INSTALL_ERROR', message: problem };
      if (signal.aborted) return undefined;
      this.#enter('INSTALLED');
    }
    await this.ports.dependenciesReady(this.name, signal);
    if (signal.aborted) return undefined;
    this.#enter('STARTING');
    return this.spec.lifecycle.startup === undefined ? this.#runMain(signal) : this.#startUp(signal);
  }

  async #runMain(signal: AbortSignal): Promise<StepFailure | undefined> {
    const script = await this.#openMain('run', 'FINISHED', signal);
    if (script === undefined) return undefined;
    this.#enter('RUNNING');
    const end = await this.#within('run', Promise.race([script.exited, this.#says('ERRORED')]));
    await this.#closeMain();
    if (isAborted(signal)) return undefined;
    if (!isSuccess(end)) return failureOf('run', 'RUNNING', end);
    this.#enter('FINISHED');
    return undefined;
  }

  /** A startup script makes it run by ending well, or by saying so; what it left running goes on. */
  async #startUp(signal: AbortSignal): Promise<StepFailure | undefined> {
    const script = await this.#openMain('startup', 'RUNNING', signal);
    if (script === undefined) return undefined;
    const first = Promise.race([script.exited, this.#says('RUNNING', 'ERRORED')]);
    let end: StepEnd = await this.#within('startup', first);
    if (!isAborted(signal) && (end === 'RUNNING' || isSuccess(end))) {
      this.#enter('RUNNING');
      end = await this.#untilItFails(script, signal);
    }
    if (isAborted(signal)) return undefined;
    const during = this.state;
    await this.#closeMain();
    return failureOf('startup', during, end);
  }

  /** Resolves also when it is to stop. */
  async #untilItFails(script: Script, signal: AbortSignal): Promise<StepEnd> {
    const stopped = new Promise<'stopped'>((resolve) => {
      const stop = (): void => {
        resolve('stopped');
      };
      signal.addEventListener('abort', stop, { once: true });
    });
    const errored = this.#says('ERRORED');
    const end = await Promise.race([script.exited, errored, stopped]);
    return isSuccess(end) ? Promise.race([errored, stopped]) : end;
  }

  /** The next of these that the component reports. */
  #says(...states: ReportedState[]): Promise<ReportedState> {
    return new Promise((resolve) => {
      this.#reported = (state) => {
        if (states.includes(state)) resolve(state);
      };
    });
  }

  /** Undefined when there is no script, which makes it `otherwise` at once, or when it is to stop. */
  async #openMain(
    step: 'run' | 'startup',
    otherwise: LifecycleState,
    signal: AbortSignal,
  ): Promise<Script | undefined> {
    const script = await this.#open(step);
    if (script === undefined) this.#enter(otherwise);
    else if (signal.aborted) await script.stop();
    else return (this.#main = script);
    return undefined;
  }

  async #closeMain(): Promise<void> {
    this.#reported = undefined;
    await this.#main?.stop();
    this.#main = undefined;
  }

  /** What went wrong, or undefined. */
  async #runToEnd(step: 'install' | 'shutdown' | 'recover'): Promise<string | undefined> {
    const script = await this.#open(step);
    if (script === undefined) return undefined;
    const abort = (): void => void script.stop();
    if (step === 'install') this.#life?.signal.addEventListener('abort', abort, { once: true });
    const end = await this.#within(step, script.exited);
    await script.stop();
    return isSuccess(end) ? undefined : reasonOf(step, end);
  }

  #open(step: LifecycleStepName): Promise<Script | undefined> {
    return openStep(this.name, this.spec.lifecycle, step, this.ports);
  }

  #within<T>(step: LifecycleStepName, work: Promise<T>): Promise<T | 'timeout'> {
    return withinStep(work, this.spec.lifecycle, step);
  }

  #enter(state: LifecycleState, detail?: string, statusCodes: string[] = []): void {
    this.state = state;
    this.detail = detail;
    this.statusCodes = statusCodes;
    this.changedAt = this.ports.now();
    this.ports.onState(this);
  }
}

function failureOf(step: 'run' | 'startup', during: LifecycleState, end: StepEnd): StepFailure {
  const code = `${step.toUpperCase()}_${end === 'timeout' ? 'TIMEOUT' : 'ERROR'}`;
  return { during, code, message: reasonOf(step, end) };
}

/** A look that the compiler does not remember: the signal may be aborted during any `await`. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
