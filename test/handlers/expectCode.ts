import { EdgeError, type ErrorCode } from '../../protocol';

/** Expects a coded refusal and gives it. */
export async function refused(code: ErrorCode, run: Promise<unknown>): Promise<EdgeError> {
  const thrown: unknown = await run.then(
    () => new Error(`expected ${code}, but nothing was thrown`),
    (error: unknown) => error,
  );
  if (!(thrown instanceof EdgeError)) throw thrown;
  expect(thrown.code).toBe(code);
  return thrown;
}
