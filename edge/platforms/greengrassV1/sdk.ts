/**
 * The two calls of the Greengrass V1 core SDK (aws-greengrass-core-sdk 1.7.0) that the edge system
 * functions make. The SDK itself talks to the core through modules that only a core has, so a test
 * gives a stand-in of these two.
 */
export interface CoreSdk {
  iotData: {
    publish(params: { topic: string; payload: string; queueFullPolicy?: string }, done: Done<unknown>): void;
  };
  lambda: {
    invoke(params: InvokeParams, done: Done<InvokeData>): void;
  };
}

interface InvokeParams {
  /** With its version or alias. */
  FunctionName: string;
  InvocationType: 'Event' | 'RequestResponse';
  /** JSON text. */
  Payload: string;
  /** JSON in base64. */
  ClientContext?: string;
}

/** Of a RequestResponse invocation; an Event gives its id. */
type InvokeData = string | { FunctionError?: string; StatusCode?: number; Payload?: Buffer | string };

type Done<T> = (error: Error | null, data: T | null) => void;

/** The same calls with promises. */
export interface CoreCalls {
  /** `payload` is JSON text. */
  publish(topic: string, payload: string): Promise<void>;
  /** `FunctionError` says that the function threw; its payload is then the error. */
  request(functionArn: string, input: unknown): Promise<{ payload: unknown; functionError?: string }>;
  /** Without waiting for what becomes of it. */
  post(functionArn: string, input: unknown): Promise<void>;
}

export function coreCalls({ iotData, lambda }: CoreSdk): CoreCalls {
  const invoke = (params: InvokeParams): Promise<InvokeData | null> =>
    new Promise((resolve, reject) => {
      lambda.invoke(params, (error, data) => (error === null ? resolve(data) : reject(error)));
    });
  return {
    publish: (topic, payload) =>
      new Promise((resolve, reject) => {
        // Every destination or an error: nothing is dropped silently.
        const params = { topic, payload, queueFullPolicy: 'AllOrError' };
        iotData.publish(params, (error) => (error === null ? resolve() : reject(error)));
      }),
    async request(FunctionName, input) {
      const Payload = JSON.stringify(input ?? null);
      const data = await invoke({ FunctionName, InvocationType: 'RequestResponse', Payload });
      const { FunctionError, Payload: output } = typeof data === 'object' && data !== null ? data : {};
      const payload = parsed(output);
      return FunctionError ? { payload, functionError: FunctionError } : { payload };
    },
    async post(FunctionName, input) {
      await invoke({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(input) });
    },
  };
}

function parsed(output: Buffer | string | undefined): unknown {
  const text = output?.toString() ?? '';
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
