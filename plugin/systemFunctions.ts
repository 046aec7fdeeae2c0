import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { SYSTEM_FUNCTIONS } from '../handlers/systemFunctions';
import { EdgeError } from '../protocol';
import type { EdgeConfiguration } from './configuration/configuration';
import { invalid } from './configuration/problems';
import type { FunctionDefinition, Serverless } from './framework';

/**
 * System functions are resources of the stack (resources/functions.ts) and no functions of the service. The
 * few steps of the framework that go by functions of the service are lent them here, for that step alone.
 */

function isSystemFunction(name: string): boolean {
  return SYSTEM_FUNCTIONS.some((each) => each.name === name);
}

/** The plugin's own bundle is in a folder of dist/; its sources, which tests run, use what was built there. */
const DIST = path.join(__dirname, '..', __filename.endsWith('.ts') ? 'dist' : '.');

interface Bundle {
  name: string;
  /** Path of the prebuilt package below dist/. */
  bundle: string;
}

/** All Lambda functions that the plugin adds: its own, and those that the engine carries. */
function bundlesOf({ engine }: EdgeConfiguration): readonly Bundle[] {
  return [
    ...SYSTEM_FUNCTIONS.map(({ name }) => ({ name, bundle: `handlers/${name}.zip` })),
    ...(engine.descriptor.functions ?? []),
  ];
}

/** Throws CONFIG_INVALID when the service has a function with the name of one that the plugin adds. */
export function requireFreeNames({ service }: Serverless, configuration: EdgeConfiguration): void {
  const { descriptor: engine } = configuration.engine;
  const taken = bundlesOf(configuration).filter(({ name }) => name in service.functions);
  if (taken.length === 0) return;
  throw invalid(
    taken.map(({ name }) => {
      const whose = isSystemFunction(name) ? 'the edge plugin' : `engine ${engine.name}`;
      const text = `the name belongs to a system function of ${whose}, expected another name`;
      return { path: `functions.${name}`, text };
    }),
  );
}

/** Copies the prebuilt bundles to where the framework collects what it uploads. */
export async function placeSystemBundles(configuration: EdgeConfiguration, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await Promise.all(
    bundlesOf(configuration).map(({ name, bundle }) =>
      copyFile(path.join(DIST, bundle), path.join(folder, `${name}.zip`)),
    ),
  );
}

/** The service's own functions, without those that were lent. */
type GiveBack = () => void;

/**
 * For the steps that compare and upload artifacts: the framework finds them by the functions of the service,
 * and tells by the time of their last update whether a deployment was left half-way.
 */
export function lendForUpload(
  { service }: Serverless,
  configuration: EdgeConfiguration,
  folder: string,
): GiveBack {
  return lend(
    { service },
    bundlesOf(configuration).map(({ name }) => ({
      name,
      definition: lent(name, configuration, path.join(folder, `${name}.zip`)),
    })),
  );
}

/** Commands of the framework that are about one function on Lambda, and work for a system function as well. */
const ABOUT_ONE = ['invoke', 'logs', 'metrics'];

/**
 * `sls logs -f createFunction` and the like. Throws CONFIG_INVALID for `deploy function`: code of a system
 * function comes with the plugin.
 */
export function lendForCommand(
  { service, processedInput }: Serverless,
  configuration: EdgeConfiguration,
  name: string | undefined,
): void {
  if (name === undefined || !bundlesOf(configuration).some((each) => each.name === name)) return;
  const command = processedInput.commands.join(' ');
  if (ABOUT_ONE.includes(command)) lend({ service }, [{ name, definition: lent(name, configuration) }]);
  if (command === 'deploy function') {
    throw new EdgeError('CONFIG_INVALID', `${name} is a system function: its code comes with the plugin`, {
      expected: '"sls deploy", which updates it',
    });
  }
}

function lend(
  { service }: Pick<Serverless, 'service'>,
  added: readonly { name: string; definition: FunctionDefinition }[],
): GiveBack {
  const own = service.functions;
  const all = added.map(({ name, definition }) => [name, definition] as const);
  service.functions = { ...own, ...Object.fromEntries(all) };
  return () => {
    service.functions = own;
  };
}

function lent(name: string, { lambdaName }: EdgeConfiguration, artifact?: string): FunctionDefinition {
  return {
    name: lambdaName(name),
    handler: 'index.handler',
    events: [],
    package: { individually: true, ...(artifact !== undefined && { artifact }) },
  };
}

/** The part of the framework that sets notifications on buckets which the stack did not make. */
interface ExistingBuckets {
  existingS3Buckets(): Promise<void> | undefined;
}

/**
 * CloudFormation sets notifications only on buckets that it makes. For others the framework has a custom
 * resource, which keeps the notifications that somebody else has set: it is made to see our functions
 * alone. Those of the service it has seen before.
 */
export async function notifyFromExistingBuckets(
  { service, pluginManager }: Serverless,
  configuration: EdgeConfiguration,
): Promise<void> {
  const listening = SYSTEM_FUNCTIONS.flatMap(({ name, trigger: { objects } }) => {
    const bucket = objects && configuration.section.buckets[objects.bucket];
    if (!bucket?.existing) return [];
    const rules = [{ prefix: objects?.prefix }, { suffix: objects?.suffix }];
    const s3 = { bucket: bucket.name, event: 's3:ObjectCreated:*', rules, existing: true };
    return [{ name, definition: { ...lent(name, configuration), events: [{ s3 }] } }];
  });
  if (listening.length === 0) return;
  const framework = pluginManager.plugins.find(
    (plugin): plugin is ExistingBuckets =>
      typeof (plugin as ExistingBuckets).existingS3Buckets === 'function',
  );
  if (framework === undefined) {
    throw new EdgeError('UNSUPPORTED', 'this framework cannot set notifications on an existing bucket', {
      expected: 'a supported framework, or edge.buckets without "existing"',
    });
  }
  const own = service.functions;
  service.functions = Object.fromEntries(listening.map(({ name, definition }) => [name, definition]));
  try {
    await framework.existingS3Buckets();
  } finally {
    service.functions = own;
  }
}
