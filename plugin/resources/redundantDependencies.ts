import type { CompiledTemplate } from '../framework';

/**
 * Takes out of each `DependsOn` what a reference in the same resource enforces anyway, as the framework
 * writes for roles and routes: CloudFormation's order stays the same, and cfn-lint has nothing to warn of
 * (W3005). moto refuses templates that it warns of.
 */
export function dropRedundantDependencies({ Resources }: CompiledTemplate): void {
  for (const resource of Object.values(Resources)) {
    if (resource.DependsOn === undefined) continue;
    const enforced = references(resource.Properties);
    const left = [resource.DependsOn].flat().filter((id) => !enforced.has(id));
    if (left.length === 0) delete resource.DependsOn;
    else resource.DependsOn = left;
  }
}

/** Logical ids that `Ref`, `Fn::GetAtt` and `Fn::Sub` name anywhere in a value. */
function references(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return found;
  if (Array.isArray(value)) {
    for (const each of value) references(each, found);
    return found;
  }
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    const first = Array.isArray(inner) ? (inner[0] as unknown) : inner;
    if (typeof first === 'string') {
      if (key === 'Ref') found.add(first);
      if (key === 'Fn::GetAtt') found.add(first.split('.', 1)[0] ?? '');
      if (key === 'Fn::Sub') for (const id of substituted(first, inner)) found.add(id);
    }
    references(inner, found);
  }
  return found;
}

/** `${!…}` and `${AWS::…}` name no resource. */
function substituted(text: string, argument: unknown): string[] {
  const variables = Object.keys(Array.isArray(argument) ? ((argument[1] as object | undefined) ?? {}) : {});
  return [...text.matchAll(/\$\{([A-Za-z0-9]+)(?:\.[^}]*)?\}/g)].flatMap(([, id]) =>
    id === undefined || variables.includes(id) ? [] : id,
  );
}
