import { EdgeError } from '../../../protocol';
import { V1_ENVIRONMENT } from '../../../protocol/greengrassV1';

/** What the engine told the edge system functions of a group. */
export interface V1Environment {
  group: string;
  core: string;
  devicePrefix: string;
  corePrefix: string;
  httpUrl: string;
  region: string;
  stateDir: string;
  /** Fingerprints of the functions of this deployment. */
  deployed: ReadonlySet<string>;
  /** ARN of edgeCoreMonitor. */
  monitor: string;
}

/** Throws INTERNAL naming the variable that is missing. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): V1Environment {
  const read = (name: string): string => {
    const value = variables[name];
    if (value !== undefined && value !== '') return value;
    throw new EdgeError('INTERNAL', `environment variable ${name} is not set`);
  };
  return {
    group: read(V1_ENVIRONMENT.group),
    core: read(V1_ENVIRONMENT.core),
    devicePrefix: read(V1_ENVIRONMENT.devicePrefix),
    corePrefix: read(V1_ENVIRONMENT.corePrefix),
    httpUrl: read(V1_ENVIRONMENT.httpUrl),
    // Of the core's own configuration.
    region: variables['AWS_REGION'] ?? read('AWS_DEFAULT_REGION'),
    stateDir: read(V1_ENVIRONMENT.stateDir),
    deployed: new Set((variables[V1_ENVIRONMENT.deployed] ?? '').split(',').filter(Boolean)),
    monitor: read(V1_ENVIRONMENT.monitor),
  };
}
