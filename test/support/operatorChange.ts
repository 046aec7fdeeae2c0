import { randomUUID } from 'node:crypto';
import type { Edge, Environment } from '../../local';
import type { GroupDefinition, StoredUpdate } from '../../protocol';
import { GROUP } from './environment';

type Registers = Partial<
  Pick<StoredUpdate, 'core' | 'devices' | 'statics' | 'entitlements' | 'claims' | 'functions' | 'limits'>
>;

/**
 * An operator's update of the registers that `change` gives; resolves with the definition that has
 * absorbed it, once the edge runs that one.
 */
export async function changeGroup(
  environment: Environment,
  edge: Edge | undefined,
  change: (current: GroupDefinition) => Registers,
  group = GROUP,
): Promise<GroupDefinition> {
  const { operator, outputs } = environment;
  const current = await definitionOf(environment, group);
  await operator.submitUpdate(outputs.stateBucket, {
    requestId: randomUUID(),
    group,
    origin: { kind: 'operator', name: 'test' },
    receivedAt: new Date().toISOString(),
    devices: {},
    statics: {},
    entitlements: {},
    claims: {},
    functions: {},
    ...change(current),
  });
  const changed = await operator.waitForDefinition(
    outputs.stateBucket,
    group,
    ({ revision }) => revision > current.revision,
  );
  if (edge !== undefined) await runsRevision(edge, changed.revision);
  return changed;
}

/** The edge has done every step towards this revision or a later one. */
export async function runsRevision(edge: Edge, revision: number): Promise<void> {
  await edge.process.waitFor('reconciled', { where: (event) => Number(event['revision']) >= revision });
}

export async function definitionOf(environment: Environment, group = GROUP): Promise<GroupDefinition> {
  const definition = await environment.operator.definition(environment.outputs.stateBucket, group);
  if (definition === undefined) throw new Error(`no definition of ${group}`);
  return definition;
}
