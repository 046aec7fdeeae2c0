/** Set for a child process whose standard input is a pipe that its parent holds open and writes nothing to. */
export const PARENT_VARIABLE = 'EDGE_PARENT_ON_STDIN';

/**
 * Calls back once when the parent is gone, however it went: a killed process stops no children. Does nothing
 * in a process that was started otherwise. Children of its own are told nothing.
 */
export function whenParentIsGone(callback: () => void): void {
  if (process.env[PARENT_VARIABLE] !== '1') return;
  process.env[PARENT_VARIABLE] = '';
  process.stdin.once('close', callback).once('error', callback).resume();
}
