import type { z } from 'zod';

type IpcErrorName =
  | 'InvalidArgumentsError'
  | 'UnauthorizedError'
  | 'ServiceError'
  | 'ResourceNotFoundError'
  | 'ConflictError'
  | 'FailedUpdateConditionCheckError';

/** An error of the IPC service model (`aws.greengrass#…`). */
export class IpcError extends Error {
  constructor(
    override readonly name: IpcErrorName,
    message: string,
  ) {
    super(message);
  }
}

/** One request of a component, on a stream of its own. */
export interface IpcCall {
  /** Name of the component that asks. */
  readonly component: string;
  readonly input: unknown;
  /** Sends a message of a subscription; nothing after the stream ended. */
  send: (shape: string, message: object) => void;
  /** Called once when the stream ends, whoever ends it. */
  onEnd: (listener: () => void) => void;
}

interface IpcOperation {
  /** The stream stays open after the answer: messages follow. */
  streaming: boolean;
  /** The answer. Throws IpcError. Messages of a subscription go out after it. */
  handle: (call: IpcCall) => object | Promise<object>;
}

/** Operations by name, without `aws.greengrass#`. */
export type IpcOperations = Readonly<Record<string, IpcOperation>>;

/** Throws IpcError InvalidArgumentsError naming the first field that is wrong. */
export function inputOf<S extends z.ZodType>({ input }: IpcCall, schema: S): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.map(String).join('.') || 'request';
  throw new IpcError('InvalidArgumentsError', `${where}: ${issue?.message ?? 'malformed'}`);
}
