import { createCertificates, type Certificates } from './certificates';
import { createPolicies, type Policies } from './policies';
import { createRoleAliases, type RoleAliases } from './roleAliases';
import { openRegistryStore } from './store';
import { createThingGroups, type ThingGroups } from './thingGroups';
import { createThings, type Things } from './things';

/** Things, certificates, policies, role aliases and what is attached to what; kept on disk. */
export interface Registry {
  readonly things: Things;
  readonly thingGroups: ThingGroups;
  readonly certificates: Certificates;
  readonly policies: Policies;
  readonly roleAliases: RoleAliases;
}

export function createRegistry(dir: string): Registry {
  const store = openRegistryStore(dir);
  return {
    things: createThings(store),
    thingGroups: createThingGroups(store),
    certificates: createCertificates(store),
    policies: createPolicies(store),
    roleAliases: createRoleAliases(store),
  };
}
