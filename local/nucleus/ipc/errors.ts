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
