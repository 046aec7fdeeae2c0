// Writes dist/types/index.d.cts: what a serverless.ts may import. The `edge` section is spelled out from
// its JSON Schema, so that an outside service needs neither zod nor our sources.
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

/** The types of handlers, as the sources have them. */
const context = (await readFile(path.join(root, 'protocol/edgeContext.ts'), 'utf8')).replace(/^\/\/.*\n/, '');
const schema = JSON.parse(await readFile(path.join(root, 'docs/schemas/edge-section.schema.json'), 'utf8'));
const section = `
declare namespace EdgeOnDemandPlugin {
  /** ${schema.title} */
  export interface EdgeSection ${typeOf(schema, 'edge')}

${context}
}
export = EdgeOnDemandPlugin;
`;
const target = path.join(root, 'dist/types/index.d.cts');
await mkdir(path.dirname(target), { recursive: true });
await writeFile(
  target,
  await format(HEAD + section, { parser: 'typescript', singleQuote: true, printWidth: 110 }),
);
