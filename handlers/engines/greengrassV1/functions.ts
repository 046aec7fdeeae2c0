import {
  EdgeError,
  type FunctionManifest,
  type GroupDefinition,
  type WantedFunction,
} from '../../../protocol';
import {
  functionFingerprint,
  V1_ENVIRONMENT,
  V1_RUNTIME,
  V1_STATE_DIR,
  type V1SystemFunction,
} from '../../../protocol/greengrassV1';
import type { V1Function } from './content';
import { entryId, STATE_RESOURCE_ID } from './entries';
import type { GreengrassV1Settings, SystemFunctionArns } from './systemFunctions';

/**
 * The ARN of the Lambda version that is this function. Throws DEPLOYMENT_FAILED where there is none:
 * a V1 core runs Lambda versions and aliases, nothing else.
 */
export function functionArn({ name, version, cloud }: FunctionManifest): string {
  if (cloud === undefined || cloud.qualifier === '$LATEST') {
    const what = cloud === undefined ? 'is no Lambda function' : 'names $LATEST of a Lambda function';
    throw new EdgeError('DEPLOYMENT_FAILED', `${name}@${version} ${what}`, {
      expected:
        'a version or an alias of a Lambda function: register a new version while the engine is greengrass',
      details: { function: name, version },
    });
  }
  return `${cloud.functionArn}:${cloud.qualifier}`;
}

/** Wanted functions first, then the system functions. `functions` have an ARN, all of them. */
export function functionEntries(
  definition: GroupDefinition,
  functions: readonly WantedFunction[],
  arns: SystemFunctionArns,
  settings: GreengrassV1Settings,
): V1Function[] {
  const wanted = functions.map(({ manifest, key }) => wantedEntry(manifest, key));
  // Two versions of the registry may be one version of an existing Lambda function.
  const distinct = new Map(wanted.map((entry) => [entry.FunctionArn, entry]));
  return [...distinct.values(), ...systemEntries(definition, functions, arns, settings)];
}

/** Units of V1: memory in KB, timeout in seconds. */
function wantedEntry(manifest: FunctionManifest, key: string): V1Function {
  const { memory, timeout, pinned, environment } = manifest;
  const arn = functionArn(manifest);
  return entryOf(arn, {
    memory,
    timeout,
    pinned,
    variables: { ...environment, [V1_ENVIRONMENT.functionKey]: key },
  });
}

interface EntryOptions {
  /** MiB. */
  memory: number;
  /** Seconds. */
  timeout: number;
  pinned: boolean;
  variables: Record<string, string>;
  stateAccess?: 'ro' | 'rw';
  /** The system functions take bytes, so that they can answer even what is no JSON. */
  encoding?: 'json' | 'binary';
}

function entryOf(arn: string, options: EntryOptions): V1Function {
  const { memory, timeout, pinned, variables, stateAccess, encoding = 'json' } = options;
  return {
    Id: entryId('function', arn),
    FunctionArn: arn,
    FunctionConfiguration: {
      EncodingType: encoding,
      MemorySize: memory * 1024,
      Timeout: timeout,
      Pinned: pinned,
      // Lambda makes no function for Node 12 any more, and a V1 core runs nothing newer.
      FunctionRuntimeOverride: V1_RUNTIME,
      Environment: {
        Variables: variables,
        ...(stateAccess && {
          ResourceAccessPolicies: [{ ResourceId: STATE_RESOURCE_ID, Permission: stateAccess }],
        }),
      },
    },
  };
}

const SYSTEM: Record<V1SystemFunction, Omit<EntryOptions, 'variables'>> = {
  edgeCoreMonitor: { memory: 256, timeout: 60, pinned: true, stateAccess: 'rw' },
  handleDeviceRequest: { memory: 128, timeout: 10, pinned: false },
  // Its time-out is that of the longest function that it waits for.
  edgeRemoteExecution: { memory: 192, timeout: 900, pinned: false, stateAccess: 'ro' },
};

function systemEntries(
  { group, core }: GroupDefinition,
  functions: readonly WantedFunction[],
  arns: SystemFunctionArns,
  { corePrefix, devicePrefix, httpUrl }: GreengrassV1Settings,
): V1Function[] {
  const names = V1_ENVIRONMENT;
  const common = {
    [names.group]: group,
    [names.core]: core?.thingName ?? '',
    [names.devicePrefix]: devicePrefix,
    [names.corePrefix]: corePrefix,
    [names.httpUrl]: httpUrl,
    [names.stateDir]: V1_STATE_DIR,
    [names.deployed]: functions.map(({ key }) => functionFingerprint(key)).join(','),
    [names.monitor]: arns.edgeCoreMonitor,
  };
  return (Object.keys(SYSTEM) as V1SystemFunction[]).map((name) =>
    entryOf(arns[name], { ...SYSTEM[name], variables: common, encoding: 'binary' }),
  );
}

/** `name@version` of a deployed function; undefined for system functions and those of the user. */
export function keyOfEntry({ FunctionConfiguration }: V1Function): string | undefined {
  return FunctionConfiguration?.Environment?.Variables?.[V1_ENVIRONMENT.functionKey];
}
