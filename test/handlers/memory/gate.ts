/**
 * Stands before and after every effect of the in-memory adapters. A test makes it wait, so that a
 * scheduler decides who goes on, or throw, as a crash between two effects.
 */
export type Gate = (label: string) => Promise<void>;

export const openGate: Gate = () => Promise.resolve();

/** One call of a port: it may be interrupted before its effect and after it. */
export async function through<T>(gate: Gate, label: string, effect: () => T): Promise<T> {
  await gate(`before ${label}`);
  const result = effect();
  await gate(`after ${label}`);
  return result;
}
