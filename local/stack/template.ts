import { z } from 'zod';
import { parseWith } from '../../protocol';

/** The parts of a CloudFormation template that the local cloud reads. Other sections are refused. */
const resourceSchema = z.strictObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: z.union([z.string(), z.array(z.string())]).optional(),
  Condition: z.string().optional(),
  DeletionPolicy: z.enum(['Delete', 'Retain', 'RetainExceptOnCreate', 'Snapshot']).optional(),
  UpdateReplacePolicy: z.enum(['Delete', 'Retain', 'Snapshot']).optional(),
  Metadata: z.unknown().optional(),
  /** Of custom resources. */
  Version: z.union([z.literal(1), z.literal('1.0')]).optional(),
});

const outputSchema = z.strictObject({
  Value: z.unknown(),
  Description: z.string().optional(),
  Condition: z.string().optional(),
  Export: z.strictObject({ Name: z.unknown() }).optional(),
});

const parameterSchema = z.looseObject({ Type: z.string(), Default: z.unknown().optional() });

const LOGICAL_ID = /^[A-Za-z0-9]+$/;

const templateSchema = z.strictObject({
  AWSTemplateFormatVersion: z.string().optional(),
  Description: z.string().optional(),
  Metadata: z.unknown().optional(),
  Parameters: z.record(z.string(), parameterSchema).default({}),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Resources: z.record(z.string().regex(LOGICAL_ID), resourceSchema),
  Outputs: z.record(z.string(), outputSchema).default({}),
});
const looseTemplateSchema = z.looseObject({
  Resources: z.record(z.string(), z.unknown()),
  Outputs: z.record(z.string(), z.object(outputSchema.shape)).default({}),
});

export type Template = z.output<typeof templateSchema>;
export type TemplateResource = z.output<typeof resourceSchema>;
export type TemplateOutput = z.output<typeof outputSchema>;

/** Throws BAD_REQUEST naming the first part that is not understood. */
export function parseTemplate(template: unknown): Template {
  return parseWith(templateSchema, template, 'CloudFormation template');
}

/**
 * The same without what is not understood: a template of which only a part is wanted may have whatever
 * it likes beside. Throws BAD_REQUEST for what is no template at all.
 */
export function parseUnderstood(template: unknown): Template {
  const parts = parseWith(looseTemplateSchema, template, 'CloudFormation template');
  const { Resources, Outputs, ...sections } = parts;
  const understood = Object.entries(Resources).flatMap(([logicalId, resource]) => {
    const { success, data } = z.object(resourceSchema.shape).safeParse(resource);
    return success && LOGICAL_ID.test(logicalId) ? [[logicalId, data]] : [];
  });
  return parseTemplate({
    ...Object.fromEntries(Object.entries(sections).filter(([name]) => name in templateSchema.shape)),
    Resources: Object.fromEntries(understood) as unknown,
    Outputs,
  });
}

export function dependsOn(resource: TemplateResource): string[] {
  const names = resource.DependsOn ?? [];
  return typeof names === 'string' ? [names] : names;
}
