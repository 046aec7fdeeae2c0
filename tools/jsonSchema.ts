import { z } from 'zod';

export function jsonSchemaOf(
  schema: z.ZodType,
  io: 'input' | 'output',
  title?: string,
): Record<string, unknown> {
  const generated = z.toJSONSchema(schema, { io, target: 'draft-7' }) as Record<string, unknown>;
  return title === undefined ? generated : { title, ...generated };
}

/** Without the dialect, for embedding in another document. */
export function embeddedSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...embedded } = jsonSchemaOf(schema, io);
  return embedded;
}
