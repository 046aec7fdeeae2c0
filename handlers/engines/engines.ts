import { EdgeError } from '../../protocol';
import type { EngineDescriptor } from './descriptor';
import { DIRECT } from './direct/descriptor';
import { GREENGRASS } from './greengrass/descriptor';
import { GREENGRASS_V1 } from './greengrassV1/descriptor';

/** The deployment engines that a service can choose from. */
export const ENGINES = [DIRECT, GREENGRASS, GREENGRASS_V1] as const;

/** Throws EdgeError UNSUPPORTED for a name that is no engine. */
export function engineNamed(name: string): EngineDescriptor {
  const found = ENGINES.find((engine) => engine.name === name);
  if (found !== undefined) return found;
  throw new EdgeError('UNSUPPORTED', `no deployment engine "${name}"`, {
    expected: ENGINES.map((engine) => engine.name).join(', '),
  });
}
