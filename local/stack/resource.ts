import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CloudContext } from '../base/context';
import type { CloudServices as CloudServices } from '../services';

/** A resource as it exists: what `Ref` and `Fn::GetAtt` give. */
export interface PhysicalResource {
  ref: string;
  attributes: Record<string, string>;
}

export interface ResourceContext {
  readonly cloud: CloudContext;
  readonly services: CloudServices;
  readonly stackName: string;
  readonly logicalId: string;
  /** `<stack>-<logicalId>-<suffix>`, at most `maxLength` long, where a template gives no name. */
  generatedName: (maxLength: number) => string;
}

export interface ResourceDefinition<S extends z.ZodType> {
  /** `AWS::S3::Bucket` */
  type: string;
  /** Every property that is understood; anything else is refused before a stack is touched. */
  schema: S;
  /** Names that `Fn::GetAtt` may ask for. */
  attributes?: readonly string[];
  /** What people should know of it beforehand, as the end of a sentence. */
  remark?(properties: z.output<S>): string | undefined;
  create(properties: z.output<S>, context: ResourceContext): Promise<PhysicalResource>;
  /** Absent: any change replaces the resource. */
  update?(
    current: PhysicalResource,
    next: z.output<S>,
    previous: z.output<S>,
    context: ResourceContext,
  ): Promise<PhysicalResource>;
  /** Properties whose change needs a new resource although `update` exists. */
  replaces?: readonly (keyof z.output<S>)[];
  /** Left out, nothing is to be done. */
  delete?(current: PhysicalResource, properties: z.output<S>, context: ResourceContext): Promise<void> | void;
  /** Code of the error with which `delete` says that the resource is gone already, which is no failure. */
  absent?: string;
}

interface PropertyIssue {
  property: string;
  expected: string;
  /** The property on top, when it has something that the local cloud does not have, and not a wrong value. */
  unknown?: string;
}

/** A definition whose property type is forgotten, so that a table can hold all of them. */
export interface ResourceProvider {
  readonly type: string;
  readonly attributes: readonly string[];
  /** Field and expectation of everything that is not understood. */
  check(properties: unknown): PropertyIssue[];
  /** Of properties without issues. */
  remark(properties: unknown): string | undefined;
  create(properties: unknown, context: ResourceContext): Promise<PhysicalResource>;
  /** `undefined`: this change needs a new resource. */
  update(
    current: PhysicalResource,
    next: unknown,
    previous: unknown,
    context: ResourceContext,
  ): Promise<PhysicalResource | undefined>;
  delete(current: PhysicalResource, properties: unknown, context: ResourceContext): Promise<void>;
}

export function defineResource<S extends z.ZodType>(definition: ResourceDefinition<S>): ResourceProvider {
  const { schema, replaces = [], absent } = definition;
  return {
    type: definition.type,
    attributes: definition.attributes ?? [],
    check: (properties) => {
      const result = schema.safeParse(properties);
      return result.success ? [] : result.error.issues.flatMap(describeIssue);
    },
    remark: (properties) => definition.remark?.(schema.parse(properties)),
    create: async (properties, context) => definition.create(schema.parse(properties), context),
    update: async (current, nextRaw, previousRaw, context) => {
      const [next, previous] = [schema.parse(nextRaw), schema.parse(previousRaw)];
      const replaced = replaces.some((property) => next[property] !== previous[property]);
      return replaced ? undefined : definition.update?.(current, next, previous, context);
    },
    delete: (current, properties, context) =>
      unlessAbsent(absent, async () => definition.delete?.(current, schema.parse(properties), context)),
  };
}

/** A resource with a name, which the template may give and which is its `Ref`. Another name makes another resource. */
export interface NamedResource<S extends z.ZodType> extends Pick<
  ResourceDefinition<S>,
  'type' | 'schema' | 'attributes' | 'delete' | 'absent'
> {
  /** The property that gives the name. */
  name: keyof z.output<S>;
  /** Of a name that is generated. */
  maxLength: number;
  /** Makes a generated name one that the service takes. */
  adapt?: (generated: string) => string;
  /** What `Ref` gives in place of the name. */
  refOf?: (name: string, cloud: CloudContext) => string;
  /** Creates it, or brings it to these properties. Gives its attributes. */
  put: (
    name: string,
    properties: z.output<S>,
    context: ResourceContext,
  ) => Promise<Record<string, string>> | Record<string, string>;
}

export function namedResource<S extends z.ZodType>(resource: NamedResource<S>): ResourceProvider {
  const { name: property, maxLength, adapt = same, refOf = same, put, ...rest } = resource;
  const apply = async (properties: z.output<S>, context: ResourceContext): Promise<PhysicalResource> => {
    const given = properties[property] as string | undefined;
    const name = given ?? adapt(context.generatedName(maxLength));
    return { ref: refOf(name, context.cloud), attributes: await put(name, properties, context) };
  };
  return defineResource({
    ...rest,
    create: apply,
    update: (_current, next, _previous, context) => apply(next, context),
    replaces: [property],
  });
}

const same = (name: string): string => name;

/** Deleting what is gone already is no failure: a function or an API takes its parts with it. */
export async function unlessAbsent(
  code: string | undefined,
  remove: () => void | Promise<void>,
): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== code) throw error;
  }
}

function describeIssue(issue: z.core.$ZodIssue): PropertyIssue[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key].map(String);
      return {
        property: path.join('.'),
        expected: 'is not supported by the local cloud',
        ...(path[0] !== undefined && { unknown: path[0] }),
      };
    });
  }
  return [{ property: issue.path.map(String).join('.') || '(all)', expected: issue.message }];
}

/**
 * A name as CloudFormation would make one, but the same for the same stack and logical id: the local
 * cloud deploys a stack again at each start, onto the objects that survived.
 */
export function generateName(
  stackName: string,
  logicalId: string,
  generation: number,
  maxLength: number,
): string {
  const hash = createHash('sha256').update(`${stackName}/${logicalId}/${generation}`).digest('hex');
  const suffix = hash.slice(0, 12);
  const room = maxLength - suffix.length - 2;
  const stack = stackName.slice(0, Math.max(room - logicalId.length, Math.ceil(room / 2)));
  return `${stack}-${logicalId.slice(0, room - stack.length)}-${suffix}`;
}

/** CloudFormation takes `"true"` for `true` and `"6"` for `6`. */
export const booleanOrText = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean(),
);
export const count = z.preprocess(
  (value) => (typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value),
  z.int(),
);
export const tags = z.union([
  z.array(z.strictObject({ Key: z.string(), Value: z.coerce.string() })),
  z.record(z.string(), z.coerce.string()),
]);
