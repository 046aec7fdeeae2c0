import { createHash } from 'node:crypto';
import { AWS_MANAGED } from '../services/iam/rolePolicies';
import { resolve, type Scope } from './intrinsics';
import { dependsOn, type Template, type TemplateResource } from './template';

/**
 * Types of the local cloud's own, for what a stack uses and somebody else has made: a role by its ARN, a
 * deployment bucket by its name, an HTTP API by its id. Each service lists its own beside those of AWS.
 */
export const OUTSIDE = {
  bucket: 'Local::Bucket',
  httpApi: 'Local::HttpApi',
  managedPolicy: 'Local::ManagedPolicy',
  role: 'Local::Role',
} as const;
type Kind = keyof typeof OUTSIDE;

/** By type, which properties name something, and what; a path into the properties. */
const USES: Record<string, readonly { path: readonly string[]; kind: Kind }[]> = {
  'AWS::ApiGatewayV2::Integration': [{ path: ['ApiId'], kind: 'httpApi' }],
  'AWS::ApiGatewayV2::Route': [{ path: ['ApiId'], kind: 'httpApi' }],
  'AWS::IAM::Role': [{ path: ['ManagedPolicyArns'], kind: 'managedPolicy' }],
  'AWS::IoT::RoleAlias': [{ path: ['RoleArn'], kind: 'role' }],
  'AWS::Lambda::Function': [
    { path: ['Role'], kind: 'role' },
    { path: ['Code', 'S3Bucket'], kind: 'bucket' },
  ],
  'AWS::Scheduler::Schedule': [{ path: ['Target', 'RoleArn'], kind: 'role' }],
};

const WORDS: Record<Kind, string> = {
  bucket: 'an empty one',
  httpApi: 'an API of this machine',
  managedPolicy: 'one that allows everything',
  role: 'one that may do everything',
};

/**
 * Adds a stand-in for everything that the template uses and does not make, and a word about each. `scope`
 * gives `<…>` for what the template makes.
 */
export function standInForOutside(
  template: Template,
  account: string,
  scope: Scope,
): { template: Template; notes: string[] } {
  const standIns = new Map<string, TemplateResource & { name: string }>();
  const Resources: Template['Resources'] = {};
  for (const [logicalId, resource] of Object.entries(template.Resources)) {
    let next = resource;
    for (const { path, kind } of USES[resource.Type] ?? []) {
      const used = namesOf(next.Properties, path, scope).map((name) => worded(kind, name, account));
      if (used.length === 0) continue;
      const ids = used.map((name) => {
        const id = `Outside${createHash('sha256').update(`${kind}/${name}`).digest('hex').slice(0, 12)}`;
        standIns.set(id, { Type: OUTSIDE[kind], Properties: { Name: name }, name });
        return id;
      });
      next = { ...next, DependsOn: [...dependsOn(next), ...ids] };
      const [only] = used;
      // As the local cloud will know it: an imported value is only a word.
      if (kind !== 'managedPolicy') next = { ...next, Properties: replaced(next.Properties, path, only) };
    }
    Resources[logicalId] = next;
  }
  const added = [...standIns].map(([id, { name: _name, ...resource }]) => [id, resource] as const);
  const whole = { ...template, Resources: { ...Object.fromEntries(added), ...Resources } };
  const apis = [...standIns].filter(([, { Type }]) => Type === OUTSIDE.httpApi);
  return {
    template: apis.reduce((changed, [id, { name }]) => redirect(changed, id, name, scope), whole),
    notes: [...standIns.values()].map(({ Type, name }) => {
      const kind = (Object.keys(OUTSIDE) as Kind[]).find((each) => OUTSIDE[each] === Type) ?? 'role';
      return `${name} is not part of the stack: ${WORDS[kind]} stands in`;
    }),
  };
}

/** Of what the stack does not make. */
function namesOf(properties: Record<string, unknown>, path: readonly string[], scope: Scope): string[] {
  const value = path.reduce<unknown>(
    (inner, key) => (inner as Record<string, unknown> | undefined)?.[key],
    properties,
  );
  if (value === undefined) return [];
  return [resolve(value, scope)]
    .flat()
    .filter((name) => typeof name === 'string')
    .filter((name) => !name.includes('<') && !(name in AWS_MANAGED));
}

function worded(kind: Kind, name: string, account: string): string {
  return kind === 'role' && !/^arn:[^:]+:iam::\d{12}:role\/./.test(name)
    ? `arn:aws:iam::${account}:role/${name.split(/[/:]/).at(-1)}`
    : name;
}

function replaced(
  properties: Record<string, unknown>,
  [key = '', ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const inner = properties[key] as Record<string, unknown>;
  return { ...properties, [key]: rest.length === 0 ? value : replaced(inner, rest, value) };
}

/** Addresses of an API of somebody else's lead to the one that stands in. */
function redirect(template: Template, standIn: string, apiId: string, scope: Scope): Template {
  const host = new RegExp(`^https://${apiId.replace(/\W/g, '\\$&')}\\.execute-api\\.[^/]+`);
  const walk = (value: unknown): unknown => {
    if (value === null || (typeof value !== 'object' && typeof value !== 'string')) return value;
    const resolved = resolve(value, scope);
    if (typeof resolved === 'string') {
      if (!host.test(resolved)) return value;
      return { 'Fn::Join': ['', [{ 'Fn::GetAtt': [standIn, 'ApiEndpoint'] }, resolved.replace(host, '')]] };
    }
    if (Array.isArray(value)) return value.map(walk);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)]));
  };
  const Resources = Object.entries(template.Resources).map(([logicalId, resource]) =>
    resource.Type === 'AWS::Lambda::Function' && resource.Properties['Environment'] !== undefined
      ? [
          logicalId,
          {
            ...resource,
            Properties: { ...resource.Properties, Environment: walk(resource.Properties['Environment']) },
          },
        ]
      : [logicalId, resource],
  );
  const Outputs = Object.entries(template.Outputs).map(([name, output]) => [
    name,
    { ...output, Value: walk(output.Value) },
  ]);
  return {
    ...template,
    Resources: Object.fromEntries(Resources) as Template['Resources'],
    Outputs: Object.fromEntries(Outputs) as Template['Outputs'],
  };
}
