import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { asyncApi } from './asyncApi';
import { edgeSectionJsonSchema } from '../plugin/configuration/schema';
import { jsonSchemaOf } from './jsonSchema';
import { openApi } from './openApi';
import { ERROR_TABLE, functionConfigSchema, groupDefinitionSchema } from '../protocol';

const FRAMEWORK_SCHEMA =
  'https://raw.githubusercontent.com/lalcebo/json-schema/master/serverless/reference.json';

/**
 * Writes every document that is generated from the schemas in protocol/ to docs/, or with `--check`
 * says which of them are out of date and exits 1.
 */
const documents: Record<string, () => unknown> = {
  'docs/asyncapi.json': asyncApi,
  'docs/openapi.json': openApi,
  'docs/schemas/edge.schema.json': () =>
    jsonSchemaOf(functionConfigSchema, 'input', 'edge.json of a function package'),
  'docs/schemas/edge-section.schema.json': () => ({
    title: 'The `edge` section of serverless.yml',
    ...edgeSectionJsonSchema(),
  }),
  // For the first line of a serverless.yml: editors check the section in place. It takes the place of the schema
  // that they have for the file, the one in SchemaStore's catalogue, and so refers to that.
  'docs/schemas/serverless.schema.json': () => ({
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'serverless.yml with an `edge` section',
    type: 'object',
    allOf: [{ $ref: FRAMEWORK_SCHEMA }],
    properties: { edge: { $ref: './edge-section.schema.json' } },
  }),
  'docs/schemas/group-definition.schema.json': () =>
    jsonSchemaOf(groupDefinitionSchema, 'output', 'Definition of an edge group'),
  'docs/errors.md': errorReference,
};

async function render(file: string, document: unknown): Promise<string> {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return format(text, { filepath: file, printWidth: 110 });
}

async function main(): Promise<void> {
  const check = process.argv.includes('--check');
  const stale: string[] = [];
  for (const [file, make] of Object.entries(documents)) {
    const text = await render(file, make());
    if (check && read(file) !== text) stale.push(file);
    if (check) continue;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  if (stale.length > 0) {
    console.error(`Out of date: ${stale.join(', ')}. Run npm run docs and commit the result.`);
    process.exitCode = 1;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

void main();

function errorReference(): string {
  const rows = Object.entries(ERROR_TABLE).map(
    ([code, [status, retryable, meaning, action]]) =>
      `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${meaning} | ${action} |`,
  );
  return [
    '# Error codes',
    '',
    'Generated from `protocol/errors.ts`. Every failure is one of these, with the same JSON form in MQTT replies and HTTP bodies: `{ "code", "message", "field"?, "expected"?, "details"? }`. "Retry" says whether the same request may succeed later unchanged.',
    '',
    '| code | HTTP | retry | what happened | what to do |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
