import { toJson } from '../../../lib/json';
import { EdgeError } from '../../../protocol/errors';
import { MAX_MQTT_PAYLOAD } from '../../../protocol/limits';
import type { RequestedLocation } from '../../../protocol/messages';
import type { HostAsk, HostApi } from '../../../runtime/hostApi';

/** For which device a function runs, and how many functions stand between that device and this one. */
export interface FunctionOrigin {
  /** Thing name. */
  device: string;
  hops: number;
}

export interface FunctionRights {
  /** Topics below `<prefix>/shared/`; `+` and `#` as in MQTT. */
  publishes: readonly string[];
  /** Names of functions. */
  invokes: readonly string[];
}

/** Whose word an ask is: a function during one call. */
export interface CallOrigin extends FunctionOrigin, FunctionRights {
  /** Of the function that asks. */
  functionName: string;
  functionVersion: string;
  /** Milliseconds that the call may still run. */
  remainingMs: () => number;
}

export interface InvokeAsk {
  function: string;
  input?: unknown;
  location?: RequestedLocation;
  version?: string;
  timeoutMs?: number;
}

/** Who answers what functions ask for. Both throw EdgeError, which the function gets. */
export interface AskHandler {
  /** `topic`: below `<prefix>/shared/`. `payload`: JSON text of at most MAX_MQTT_PAYLOAD bytes. */
  publish(origin: CallOrigin, topic: string, payload: string): void;
  invoke(origin: CallOrigin, ask: InvokeAsk): Promise<unknown>;
}

/** `context.edge` of a function on an edge (EdgeCalls in protocol/edgeContext.ts). */
export function edgeApi(handler: AskHandler): HostApi {
  return {
    name: 'edge',
    methods: { publish: ['topic', 'payload'], invoke: ['function', 'input', 'options'] },
    maxBytes: MAX_MQTT_PAYLOAD,
    async answer(ask) {
      const { method, parameters } = ask;
      if (method === 'invoke') return (await handler.invoke(originOf(ask), invocation(parameters))) ?? null;
      handler.publish(originOf(ask), text(parameters['topic'], 'topic'), toJson(parameters['payload']));
      return undefined;
    },
  };
}

function originOf({ spec, call, remainingMs }: HostAsk): CallOrigin {
  const { functionName, functionVersion } = spec.context;
  const { publishes = [], invokes = [] } = (spec.rights ?? {}) as Partial<FunctionRights>;
  const { device = '', hops = 0 } = (call.origin ?? {}) as Partial<FunctionOrigin>;
  return { functionName, functionVersion, publishes, invokes, device, hops, remainingMs };
}

const LOCATIONS = ['edge', 'cloud', 'any'] satisfies RequestedLocation[];

function invocation({ function: name, input, options }: HostAsk['parameters']): InvokeAsk {
  const { location, version, timeout } = (options ?? {}) as Record<string, unknown>;
  const ask: InvokeAsk = { function: text(name, 'function'), input };
  if (location !== undefined) {
    const known = LOCATIONS.find((each) => each === location);
    if (known === undefined) throw invalid('location', '"edge", "cloud" or "any"');
    ask.location = known;
  }
  if (version !== undefined) ask.version = text(version, 'version');
  // JSON has no Infinity: it comes as null.
  if (timeout !== undefined && timeout !== null) {
    if (!(typeof timeout === 'number' && timeout > 0)) {
      throw invalid('timeout', 'a number of milliseconds above 0');
    }
    ask.timeoutMs = Math.ceil(timeout);
  }
  return ask;
}

function text(value: unknown, field: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(field, 'a text');
}

function invalid(field: string, expected: string): EdgeError {
  return new EdgeError('BAD_REQUEST', `${field}: expected ${expected}`, { field, expected });
}
