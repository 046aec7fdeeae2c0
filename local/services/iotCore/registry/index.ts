import type { CertificateAuthority } from '../../../../lib/x509/authority';
import type { RestRoute } from '../../../base/rest/service';
import type { IotArns } from '../arns';
import { certificateRoutes, Certificates } from './certificates';
import { Policies, policyRoutes } from './policies';
import { RoleAliases, roleAliasRoutes } from './roleAliases';
import { openRegistryStore } from './store';
import { thingGroupRoutes, ThingGroups } from './thingGroups';
import { thingRoutes, Things } from './things';

/** Things, certificates, policies, role aliases and what is attached to what; kept on disk. */
export interface IotRegistry {
  readonly things: Things;
  readonly thingGroups: ThingGroups;
  readonly certificates: Certificates;
  readonly policies: Policies;
  readonly roleAliases: RoleAliases;
}

export function openRegistry(dir: string): IotRegistry {
  const store = openRegistryStore(dir);
  return {
    things: new Things(store),
    thingGroups: new ThingGroups(store),
    certificates: new Certificates(store),
    policies: new Policies(store),
    roleAliases: new RoleAliases(store),
  };
}

/** What the control plane answers about the registry. */
export function registryRoutes(
  { things, thingGroups, certificates, policies, roleAliases }: IotRegistry,
  authority: CertificateAuthority,
  arns: IotArns,
  account: string,
): RestRoute[] {
  return [
    ...thingRoutes(things, arns),
    ...thingGroupRoutes(thingGroups, things, arns),
    ...certificateRoutes(certificates, authority, arns),
    ...policyRoutes(policies, certificates, arns),
    ...roleAliasRoutes(roleAliases, arns, account),
  ];
}
