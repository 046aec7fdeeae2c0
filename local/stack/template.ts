import { z } from 'zod';
import { parseWith } from '../../protocol';

/** The parts of a CloudFormation template that the local cloud reads. Other sections are refused. */
const resourceSchema = z.strictObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: z.union([z.string(), z.array(z.string())]).optional(),
  Condition: z.string().optional(),
  DeletionPolicy: z.enum(['Delete', 'Retain', 'RetainExceptOnCreate']).optional(),
  UpdateReplacePolicy: z.enum(['Delete', 'Retain']).optional(),
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

const templateSchema = z.strictObject({
  AWSTemplateFormatVersion: z.string().optional(),
  Description: z.string().optional(),
  Metadata: z.unknown().optional(),
  Parameters: z.record(z.string(), parameterSchema).default({}),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Resources: z.record(z.string().regex(/^[A-Za-z0-9]+$/), resourceSchema),
  Outputs: z.record(z.string(), outputSchema).default({}),
});
export type Template = z.output<typeof templateSchema>;
export type TemplateResource = z.output<typeof resourceSchema>;
export type TemplateOutput = z.output<typeof outputSchema>;

/** Throws BAD_REQUEST naming the first part that is not understood. */
export function parseTemplate(template: unknown): Template {
  return parseWith(templateSchema, template, 'CloudFormation template');
}

export function dependsOn(resource: TemplateResource): string[] {
  const names = resource.DependsOn ?? [];
  return typeof names === 'string' ? [names] : names;
}
