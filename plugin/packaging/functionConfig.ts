import type { z } from 'zod';
import { functionConfigSchema } from '../../protocol';
import type { EdgeConfiguration } from '../configuration/configuration';
import { invalid, problemsOf, type Problem } from '../configuration/problems';
import type { FunctionDefinition, ServerlessService } from '../framework';

export type FunctionConfigInput = z.input<typeof functionConfigSchema>;

type EdgeRuntime = FunctionConfigInput['runtime'];

/** A function that is no Lambda function of the stack. */
export function isEdgeOnly(name: string, { section }: EdgeConfiguration): boolean {
  return Object.hasOwn(section.functions, name) && !locationsOf(name, section).includes('cloud');
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
  const { environment, problems } = locations.includes('edge')
    ? environmentOf(name, service, overrides.environment ?? {})
    : // Lambda has it from the stack, where it may refer to whatever is there.
      { environment: {}, problems: [] };
  const config: FunctionConfigInput = {
    name,
    handler: definition.handler ?? '',
    // Any other is a problem that the schema names.
    runtime: (definition.runtime ?? service.provider.runtime ?? 'nodejs22.x') as EdgeRuntime,
    memory: definition.memorySize ?? service.provider.memorySize ?? 128,
    timeout: definition.timeout ?? service.provider.timeout ?? 6,
    ...(definition.description === undefined ? {} : { description: definition.description }),
    ...overrides,
    environment,
    ...(locations.includes('cloud')
      ? { cloudFunction: cloudFunctionOf(name, definition, configuration) }
      : {}),
  };
  if (definition.image !== undefined) {
    problems.push({
      path: `functions.${name}.image`,
      text: 'found a container image, expected a handler: images do not run on an edge',
    });
    return { config, problems };
  }
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
  for (const [key, { path, value }] of origins) {
    if (value === null || value === undefined || key in overrides) continue;
    if (typeof value === 'object') problems.push({ path, text: unresolvable(name, key) });
    // Text, a number or a boolean: YAML has no other scalars.
    else environment[key] = `${value as string | number}`;
  }
  return { environment: { ...environment, ...overrides }, problems };
}

function unresolvable(name: string, key: string): string {
  return (
    'found a CloudFormation reference, which an edge cannot resolve, expected a literal, ' +
    `or one for the edge in edge.functions.${name}.environment.${key}`
  );
}
