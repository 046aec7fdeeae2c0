import type { ComponentVersions } from './componentVersions';
import { functionOfComponent, type Components, type FunctionComponent } from './components';

/**
 * Names of components on a target that look like those of functions and that somebody else made: a
 * deployment without them would uninstall them. What `functions` keep at its version is not among them;
 * whose that is turns out when the version is looked at (ComponentVersions.ensure).
 */
export async function foreignComponents(
  versions: Pick<ComponentVersions, 'isForeign'>,
  corePrefix: string,
  current: Components,
  functions: readonly FunctionComponent[],
): Promise<Set<string>> {
  const next = new Set(functions.map(({ name }) => name));
  const foreign = new Set<string>();
  for (const [name, { componentVersion }] of Object.entries(current)) {
    const mayBe = functionOfComponent(corePrefix, name) !== undefined && !next.has(name);
    if (!mayBe || componentVersion === undefined) continue;
    if (await versions.isForeign(name, componentVersion)) foreign.add(name);
  }
  return foreign;
}
