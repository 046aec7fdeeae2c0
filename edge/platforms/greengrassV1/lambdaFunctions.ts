import { EventEmitter } from 'node:events';
import { EdgeError, type FunctionManifest, type WantedFunction } from '../../../protocol';
import { functionFingerprint } from '../../../protocol/greengrassV1';
import { boundedError } from '../../../runtime/processMessages';
import type { FunctionOutcome } from '../../../runtime/types';
import type { LocalFunction, LocalFunctions } from '../../ports';
import type { Clock } from '../../../lib/clock';
import type { CoreCalls } from './sdk';

/**
 * The functions of a V1 core: its own Lambda runtime runs them, and a deployment, at which the core
 * restarts, is all that changes which. So a function runs when this deployment has it; one that is
 * wanted beyond that is starting until a deployment brings it.
 */
export class LambdaFunctions implements LocalFunctions {
  private functions = new Map<string, LocalFunction>();
  private readonly events = new EventEmitter();
  private superseded: () => void = () => undefined;

  constructor(
    private readonly calls: Pick<CoreCalls, 'request'>,
    private readonly deployed: ReadonlySet<string>,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /** While something is wanted that this deployment does not have, this resolves only when superseded. */
  async reconcile(target: readonly WantedFunction[]): Promise<void> {
    this.superseded();
    const before = this.functions;
    this.functions = new Map(target.map((wanted) => [wanted.key, this.stateOf(wanted)]));
    // One that is starting changes nothing here: until Greengrass brings it, it is being deployed.
    for (const one of this.functions.values()) {
      if (one.state === 'running' && before.get(one.key)?.state !== 'running')
        this.events.emit('changed', one);
    }
    if (this.list().every(({ state }) => state !== 'starting')) return;
    await new Promise<void>((resolve) => (this.superseded = resolve));
  }

  undelivered(error: EdgeError): void {
    for (const one of this.list().filter(({ state }) => state === 'starting')) {
      const failed = { ...one, state: 'failed' as const, error: error.toJSON(), undelivered: true as const };
      this.functions.set(one.key, failed);
      this.events.emit('changed', failed);
    }
    this.superseded();
  }

  /** Greengrass brings functions with deployments alone. */
  async prefetch({ name }: FunctionManifest): Promise<void> {
    throw new EdgeError('UNSUPPORTED', `a Greengrass V1 core cannot fetch ${name} ahead of its deployment`);
  }

  list(): LocalFunction[] {
    return [...this.functions.values()];
  }

  get(key: string): LocalFunction | undefined {
    return this.functions.get(key);
  }

  /** The core ends a function at its own timeout; an earlier one is the caller's to wait for. */
  async invoke(key: string, { event }: { event: unknown }): Promise<FunctionOutcome> {
    const { manifest, state } = this.functions.get(key) ?? {};
    if (state !== 'running' || manifest?.cloud === undefined) {
      throw new EdgeError('FUNCTION_NOT_DEPLOYED', `${key} does not run on this edge`);
    }
    const { functionArn, qualifier } = manifest.cloud;
    const started = this.clock.now();
    const { payload, functionError } = await this.call(`${functionArn}:${qualifier}`, event);
    if (functionError !== undefined) throw functionErrorOf(functionError, payload);
    return { output: payload, durationMs: this.clock.now() - started };
  }

  on(event: 'changed', listener: (changed: LocalFunction) => void): void {
    this.events.on(event, listener);
  }

  async close(): Promise<void> {
    this.superseded();
  }

  private stateOf({ key, manifest }: WantedFunction): LocalFunction {
    if (manifest.cloud === undefined) {
      const error = new EdgeError(
        'DEPLOYMENT_FAILED',
        `${key} is no Lambda function: a V1 core runs no other`,
      );
      return { key, manifest, state: 'failed', error: error.toJSON() };
    }
    const isHere = this.deployed.has(functionFingerprint(key));
    return { key, manifest, state: isHere ? 'running' : 'starting' };
  }

  private async call(arn: string, event: unknown): ReturnType<CoreCalls['request']> {
    try {
      return await this.calls.request(arn, event);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new EdgeError('FUNCTION_ERROR', `the core could not run it: ${message}`, {
        details: { errorType: 'GreengrassCore', errorMessage: message },
        cause,
      });
    }
  }
}

function functionErrorOf(functionError: string, payload: unknown): EdgeError {
  const thrown = (payload ?? {}) as { errorType?: unknown; errorMessage?: unknown };
  const text = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise);
  const { errorType, errorMessage } = boundedError({
    errorType: text(thrown.errorType, functionError),
    errorMessage: text(thrown.errorMessage, typeof payload === 'string' ? payload : functionError),
    trace: [],
  });
  return new EdgeError('FUNCTION_ERROR', errorMessage, { details: { errorType, errorMessage } });
}
