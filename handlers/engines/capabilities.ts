import { EdgeError, type GroupDefinition } from '../../protocol';
import type { DeploymentEngine } from './engine';

/** Throws UNSUPPORTED when the group's options ask for what the engine lacks, naming both. */
export function requireCapabilities(
  { name, capabilities }: Pick<DeploymentEngine, 'name' | 'capabilities'>,
  { group, engine }: GroupDefinition,
): void {
  if (engine === undefined) return;
  const { delivery, targetArn } = engine;
  if (!capabilities.deliveries.includes(delivery)) {
    throw unsupported(name, group, `delivery "${delivery}"`, 'engine.delivery', capabilities.deliveries);
  }
  if (targetArn === undefined) return;
  const kind = isThingGroupArn(targetArn) ? 'thingGroup' : 'core';
  if (!capabilities.targets.includes(kind)) {
    throw unsupported(name, group, `target ${targetArn}`, 'engine.targetArn', capabilities.targets);
  }
}

function isThingGroupArn(arn: string): boolean {
  return arn.split(':')[5]?.startsWith('thinggroup/') ?? false;
}

function unsupported(
  engine: string,
  group: string,
  what: string,
  field: string,
  expected: readonly string[],
): EdgeError {
  return new EdgeError('UNSUPPORTED', `engine ${engine} has no ${what}`, {
    field,
    expected: expected.join(' or ') || 'none',
    details: { engine, group },
  });
}
