import type { z } from 'zod';
import { functionConfigSchema } from '../../protocol';
import type { EdgeConfiguration } from '../configuration/configuration';
import { invalid, problemsOf, type Problem } from '../configuration/problems';
import type { FunctionDefinition, ServerlessService } from '../framework';

export type FunctionConfigInput = z.input<typeof functionConfigSchema>;

/** A function that is no Lambda function of the stack. */
export function isEdgeOnly(name: string, { section }: EdgeConfiguration): boolean {
  return Object.hasOwn(section.functions, name) && !locationsOf(name, section).includes('cloud');
}

/** A Lambda function of the stack that no edge runs: it may be anything that Lambda runs. */
export function isCloudOnly(name: string, { section }: EdgeConfiguration): boolean {
  return Object.hasOwn(section.functions, name) && !locationsOf(name, section).includes('edge');
}

function locationsOf(name: string, section: EdgeConfiguration['section']): ('edge' | 'cloud')[] {
  return section.functions[name]?.locations ?? ['edge'];
}

/**
 * `edge.json` of a function: its entry under `functions:`, overridden by its entry under
 * `edge.functions:`. Throws CONFIG_INVALID with everything that an edge cannot do.
 */
export function edgeConfigOf(
  name: string,
  service: ServerlessService,
  configuration: EdgeConfiguration,
): FunctionConfigInput {
  const { config, problems } = composed(name, service, configuration);
  if (problems.length > 0) throw invalid(problems);
  return config;
}

/** Throws CONFIG_INVALID with the problems of all functions at once, before anything is bundled. */
export function checkFunctions(service: ServerlessService, configuration: EdgeConfiguration): void {
  const problems = Object.keys(configuration.section.functions).flatMap(
    (name) => composed(name, service, configuration).problems,
  );
  if (problems.length > 0) throw invalid(problems);
}

interface Composed {
  config: FunctionConfigInput;
  problems: Problem[];
}

function composed(name: string, service: ServerlessService, configuration: EdgeConfiguration): Composed {
  const definition = service.functions[name] ?? {};
  const overrides = configuration.section.functions[name] ?? {};
  const locations = locationsOf(name, configuration.section);
  const { problems, ...onEdge }: EdgeFields = locations.includes('edge')
    ? edgeFieldsOf(name, service, overrides.environment ?? {})
    : // Lambda has these from the stack, where they may refer to whatever is there.
      { environment: {}, problems: [] };
  const config: FunctionConfigInput = {
    name,
    memory: definition.memorySize ?? service.provider.memorySize ?? 128,
    timeout: definition.timeout ?? service.provider.timeout ?? 6,
    ...(definition.description === undefined ? {} : { description: definition.description }),
    ...overrides,
    ...onEdge,
    ...(locations.includes('cloud')
      ? { cloudFunction: cloudFunctionOf(name, definition, configuration) }
      : {}),
  };
  if (locations.includes('edge') && definition.image !== undefined) return { config, problems };
  const result = functionConfigSchema.safeParse(config);
  if (!result.success) {
    const found = problemsOf(result.error, config, '', {});
    problems.push(
      ...found.map(({ path, text }) => ({ path: originOf(name, path.slice(1), overrides), text })),
    );
  }
  return { config, problems };
}

/** The framework gives every function its name on Lambda. */
export function cloudFunctionOf(
  name: string,
  definition: FunctionDefinition,
  { service, stage }: EdgeConfiguration,
): string {
  return definition.name ?? `${service}-${stage}-${name}`;
}

/** Where in serverless.yml a field of edge.json comes from. */
function originOf(name: string, field: string, overrides: object): string {
  const [key = ''] = field.split('.');
  if (key in overrides) return `edge.functions.${name}.${field}`;
  return `functions.${name}.${key === 'memory' ? 'memorySize' : field}`;
}

interface EdgeFields extends Pick<FunctionConfigInput, 'handler' | 'runtime'> {
  environment: Record<string, string>;
  problems: Problem[];
}

/** Node.js of any version: on an edge, that of the core runs the function. */
const NODE_RUNTIME = /^nodejs\d+\.x$/;
const EDGE_RUNTIMES = functionConfigSchema.shape.runtime.unwrap().options;

/** What a function has in `edge.json` that an edge runs, and what it can not have there. */
function edgeFieldsOf(
  name: string,
  service: ServerlessService,
  overrides: Record<string, string>,
): EdgeFields {
  const {
    handler = '',
    image,
    runtime = service.provider.runtime ?? 'nodejs22.x',
  } = service.functions[name] ?? {};
  const { environment, problems } = environmentOf(name, service, overrides);
  if (image !== undefined) {
    problems.push({
      path: `functions.${name}.image`,
      text: 'found a container image, expected a handler: images do not run on an edge',
    });
  } else if (!NODE_RUNTIME.test(runtime)) {
    const text = `found "${runtime}", expected a runtime of Node.js: an edge runs no other`;
    problems.push({ path: `functions.${name}.runtime`, text });
  }
  return {
    // The framework and Lambda take both.
    handler: handler.replace(/^(\.\/+)+/, ''),
    runtime: EDGE_RUNTIMES.find((known) => known === runtime),
    environment,
    problems,
  };
}

/** `#{AWS::Region}` and `${AWS::Region}`: text that only a stack turns into what it means. */
const PSEUDO_PARAMETER = /#\{[A-Za-z0-9:.]+\}|\$\{AWS::\w+\}/;

function environmentOf(
  name: string,
  service: ServerlessService,
  overrides: Record<string, string>,
): { environment: Record<string, string>; problems: Problem[] } {
  const environment: Record<string, string> = {};
  const problems: Problem[] = [];
  const sources = [
    ['provider', service.provider.environment],
    [`functions.${name}`, service.functions[name]?.environment],
  ] as const;
  const origins = new Map<string, { path: string; value: unknown }>();
  for (const [path, variables] of sources) {
    for (const [key, value] of Object.entries(variables ?? {})) {
      origins.set(key, { path: `${path}.environment.${key}`, value });
    }
  }
  for (const [key, value] of Object.entries(overrides)) {
    origins.set(key, { path: `edge.functions.${name}.environment.${key}`, value });
  }
  for (const [key, { path, value }] of origins) {
    if (value === null || value === undefined) continue;
    // Text, a number or a boolean: YAML has no other scalars.
    const text =
      typeof value === 'object' ? undefined : typeof value === 'string' ? value : JSON.stringify(value);
    if (text === undefined || PSEUDO_PARAMETER.test(text)) {
      problems.push({ path, text: unresolvable(name, key) });
    } else environment[key] = text;
  }
  return { environment, problems };
}

function unresolvable(name: string, key: string): string {
  return (
    'found a CloudFormation reference, which an edge cannot resolve, expected a literal, ' +
    `or one for the edge in edge.functions.${name}.environment.${key}`
  );
}
