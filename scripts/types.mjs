// Writes dist/types/index.d.cts, what a serverless.ts may import, and local.d.cts, what a test may. The `edge`
// section is spelled out from its JSON Schema, so that an outside service needs neither zod nor our sources.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const HEAD = `/** Serverless Framework plugin: name it under \`plugins\`. */
declare class EdgeOnDemandPlugin {
  constructor(serverless: object, options: object, utils: object);
  readonly commands: Record<string, unknown>;
  readonly hooks: Record<string, () => unknown>;
}
`;

const PRIMITIVES = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

function typeOf(schema, where) {
  if (schema === true || Object.keys(schema).length === 0) return 'unknown';
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if ('const' in schema) return JSON.stringify(schema.const);
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return either.map((each) => `(${typeOf(each, where)})`).join(' | ');
  if (Array.isArray(schema.type)) {
    return schema.type.map((type) => typeOf({ ...schema, type }, where)).join(' | ');
  }
  if (schema.type in PRIMITIVES) return PRIMITIVES[schema.type];
  if (schema.type === 'array') return `readonly (${typeOf(schema.items ?? true, `${where}[]`)})[]`;
  if (schema.type === 'object') return objectType(schema, where);
  throw new Error(`${where}: cannot write ${JSON.stringify(schema)} as a TypeScript type`);
}

function objectType({ properties, required = [], additionalProperties }, where) {
  if (properties === undefined)
    return `Record<string, ${typeOf(additionalProperties ?? true, `${where}.*`)}>`;
  const members = Object.entries(properties).map(([name, schema]) => {
    const comment = schema.description ? `/** ${schema.description.replaceAll('*/', '*\\/')} */\n` : '';
    const optional = required.includes(name) ? '' : '?';
    return `${comment}${JSON.stringify(name)}${optional}: ${typeOf(schema, `${where}.${name}`)};`;
  });
  return `{\n${members.join('\n')}\n}`;
}

/** Types that the sources have in a file without imports. */
const published = async (file) => (await readFile(path.join(root, file), 'utf8')).replace(/^\/\/.*\n/, '');
const context = await published('protocol/edgeContext.ts');
const schema = JSON.parse(await readFile(path.join(root, 'docs/schemas/edge-section.schema.json'), 'utf8'));
const section = `
declare namespace EdgeOnDemandPlugin {
  /** ${schema.title} */
  export interface EdgeSection ${typeOf(schema, 'edge')}

${context}
}
export = EdgeOnDemandPlugin;
`;
await mkdir(path.join(root, 'dist/types'), { recursive: true });
for (const [name, text] of [
  ['index', HEAD + section],
  ['local', await published('local/testing/types.ts')],
])
  await writeFile(
    path.join(root, `dist/types/${name}.d.cts`),
    await format(text, { parser: 'typescript', singleQuote: true, printWidth: 110 }),
  );
