import { performDeployment } from '../../../../handlers/performDeployment/performDeployment';
import { MemoryDefinitions, MemoryRequests } from '../../memory/definitions';
import { MemoryLog } from '../../memory/messages';
import { MemoryRegistry } from '../../memory/registry';
import type { V2World } from './world';

/** performDeployment with the engine of a world. */
export function performer(world: V2World) {
  const definitions = new MemoryDefinitions();
  const requests = new MemoryRequests();
  const registry = new MemoryRegistry();
  const log = new MemoryLog();
  const { messages: notices, clock } = world;
  const ports = { definitions, requests, registry, notices, clock, backoff: () => Promise.resolve(), log };
  return {
    ...ports,
    run: (event: unknown, engine = world.engine) => performDeployment(event, { ...ports, engine }),
    latest: () => definitions.latest.get('plant')?.value,
  };
}
