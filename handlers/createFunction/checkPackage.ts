import { EdgeError, type FunctionConfig } from '../../protocol';
import { configOf, handlerModuleCandidates, readPackage } from '../../protocol/functionPackage';

export interface CheckedPackage {
  config: FunctionConfig;
  /** Bytes of the content. */
  unpackedSize: number;
}

/**
 * Everything that a package alone can tell. Throws PACKAGE_INVALID, PACKAGE_UNSAFE, PACKAGE_TOO_LARGE,
 * CONFIG_MISSING, CONFIG_INVALID, HANDLER_NOT_FOUND.
 */
export async function checkPackage(bytes: Buffer): Promise<CheckedPackage> {
  const entries = await readPackage(bytes);
  const config = configOf(entries);
  // A function that is in the cloud already needs no code for an edge.
  if (config.cloudFunction === undefined || config.locations.includes('edge')) {
    requireModule(
      config.handler,
      entries.map(({ path }) => path),
    );
  }
  requireCloudLocation(config);
  requireOwnVariables(config);
  return { config, unpackedSize: entries.reduce((total, { content }) => total + content.length, 0) };
}

function requireModule(handler: string, paths: readonly string[]): void {
  const candidates = handlerModuleCandidates(handler);
  if (paths.some((path) => candidates.includes(path))) return;
  throw new EdgeError('HANDLER_NOT_FOUND', `the package has none of ${candidates.join(', ')}`, {
    field: 'handler',
    expected: candidates.join(' or '),
  });
}

function requireCloudLocation({ name, cloudFunction, locations }: FunctionConfig): void {
  if (cloudFunction === undefined || locations.includes('cloud')) return;
  throw invalidConfig(
    name,
    'cloudFunction',
    'the function does not run in the cloud',
    '"cloud" in "locations"',
  );
}

const VARIABLE = /^[A-Za-z][A-Za-z0-9_]+$/;
const RESERVED_VARIABLE =
  /^(AWS_(DEFAULT_REGION|REGION|EXECUTION_ENV|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)|AWS_LAMBDA_(FUNCTION_(NAME|MEMORY_SIZE|VERSION)|INITIALIZATION_TYPE|LOG_(GROUP|STREAM)_NAME|RUNTIME_API)|LAMBDA_(TASK_ROOT|RUNTIME_DIR))$/;

/**
 * Lambda takes no function with other variables:
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
function requireOwnVariables({ name, cloudFunction, locations, environment }: FunctionConfig): void {
  if (cloudFunction !== undefined || !locations.includes('cloud')) return;
  const variable = Object.keys(environment).find(
    (each) => !VARIABLE.test(each) || RESERVED_VARIABLE.test(each),
  );
  if (variable === undefined) return;
  throw invalidConfig(
    name,
    `environment.${variable}`,
    'Lambda does not let functions set this variable',
    "two or more letters, digits and underscores, the first a letter, and none of Lambda's own names",
  );
}

function invalidConfig(name: string, field: string, why: string, expected: string): EdgeError {
  return new EdgeError('CONFIG_INVALID', `edge.functions.${name}.${field}: ${why}`, { field, expected });
}
