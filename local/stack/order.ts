/**
 * Logical ids so that each comes after what it depends on; otherwise in the order given.
 * Throws a TypeError naming the cycle, if there is one.
 */
export function dependencyOrder(dependencies: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const ordered: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];

  const visit = (logicalId: string): void => {
    if (done.has(logicalId)) return;
    const start = path.indexOf(logicalId);
    if (start >= 0) {
      throw new TypeError(`circular dependency: ${[...path.slice(start), logicalId].join(' → ')}`);
    }
    path.push(logicalId);
    for (const needed of dependencies.get(logicalId) ?? []) visit(needed);
    path.pop();
    done.add(logicalId);
    ordered.push(logicalId);
  };

  for (const logicalId of dependencies.keys()) visit(logicalId);
  return ordered;
}
