import type { z } from 'zod';
import { EdgeError, functionConfigSchema, parseWith } from '../../protocol';
import type { EdgeConfiguration } from '../configuration/configuration';
import type { FunctionDefinition, Service } from '../framework';

export type FunctionConfigInput = z.input<typeof functionConfigSchema>;

const EDGE_RUNTIMES = ['nodejs22.x', 'nodejs24.x'] as const;
type EdgeRuntime = (typeof EDGE_RUNTIMES)[number];

/** `edge.json` of a function: its entry under `functions:`, overridden by its entry under `edge.functions:`. */
export function edgeConfigOf(
  name: string,
  service: Service,
  configuration: EdgeConfiguration,
): FunctionConfigInput {
  const definition = service.functions[name] ?? {};
  const overrides = configuration.section.functions[name] ?? {};
  const config: FunctionConfigInput = {
    name,
    handler: definition.handler ?? '',
    runtime: runtimeOf(name, definition, service),
    memory: definition.memorySize ?? service.provider.memorySize ?? 128,
    timeout: definition.timeout ?? service.provider.timeout ?? 6,
    ...(definition.description === undefined ? {} : { description: definition.description }),
    ...overrides,
    environment: { ...environmentOf(name, definition, service), ...overrides.environment },
  };
  if (config.locations?.includes('cloud')) {
    config.cloudFunction = definition.name ?? `${configuration.service}-${configuration.stage}-${name}`;
  }
  parseWith(functionConfigSchema, config, `functions.${name}`, 'CONFIG_INVALID');
  return config;
}

export function isEdgeOnly(name: string, configuration: EdgeConfiguration): boolean {
  const entry = configuration.section.functions[name];
  return entry !== undefined && !(entry?.locations ?? ['edge']).includes('cloud');
}

function runtimeOf(name: string, definition: FunctionDefinition, service: Service): EdgeRuntime {
  const runtime = definition.runtime ?? service.provider.runtime ?? 'nodejs22.x';
  if ((EDGE_RUNTIMES as readonly string[]).includes(runtime)) return runtime as EdgeRuntime;
  throw new EdgeError('CONFIG_INVALID', `functions.${name}.runtime: "${runtime}" does not run on an edge`, {
    field: `functions.${name}.runtime`,
    expected: EDGE_RUNTIMES.join(' or '),
  });
}

function environmentOf(
  name: string,
  definition: FunctionDefinition,
  service: Service,
): Record<string, string> {
  const all = { ...service.provider.environment, ...definition.environment };
  return Object.fromEntries(
    Object.entries(all).map(([key, value]) => {
      if (typeof value === 'object' && value !== null) {
        throw new EdgeError(
          'CONFIG_INVALID',
          `functions.${name}.environment.${key}: an edge cannot resolve a CloudFormation reference`,
          {
            field: `functions.${name}.environment.${key}`,
            expected: `a literal, or one of its own under edge.functions.${name}.environment`,
          },
        );
      }
      return [key, String(value)];
    }),
  );
}
