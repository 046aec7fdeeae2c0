import {
  CreateComponentVersionCommand,
  DescribeComponentCommand,
  paginateListComponentVersions,
  type DescribeComponentResponse,
  type GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import semver from 'semver';
import { EdgeError } from '../../../protocol';
import { encodeRecipe, type Recipe } from '../../../protocol/greengrass/recipe';
import { statusOf } from '../../../lib/awsErrors';
import { poll, type PollOptions } from '../../poll';

const FIRST_VERSION = '1.0.0';
/** Somebody else makes versions of the same component at the same time, again and again. */
const MAX_ATTEMPTS = 5;

/**
 * The version of the component that has this recipe: its latest one where that is the same, else the next
 * patch. Resolves when it can be deployed. Throws DEPLOYMENT_FAILED with Greengrass' reasons, CONFLICT,
 * TIMED_OUT. `arn`: of the component, without a version.
 */
export async function ensureComponentVersion(
  client: GreengrassV2Client,
  arn: string,
  recipeOf: (version: string) => Recipe,
  options: PollOptions = {},
): Promise<string> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const latest = await latestVersion(client, arn);
    if (latest !== undefined) {
      const known = await settled(client, `${arn}:versions:${latest}`, options);
      const isSame = known.description === recipeOf(latest).ComponentDescription;
      if (isSame && known.status?.componentState === 'DEPLOYABLE') return latest;
    }
    const version = latest === undefined ? FIRST_VERSION : (semver.inc(latest, 'patch') ?? FIRST_VERSION);
    if (!(await create(client, recipeOf(version)))) continue;
    const made = await settled(client, `${arn}:versions:${version}`, options);
    if (made.status?.componentState !== 'DEPLOYABLE') throw failed(made);
    return version;
  }
  throw new EdgeError('CONFLICT', `somebody else makes versions of ${arn} at the same time`);
}

async function latestVersion(client: GreengrassV2Client, arn: string): Promise<string | undefined> {
  const versions: string[] = [];
  try {
    for await (const page of paginateListComponentVersions({ client }, { arn })) {
      versions.push(...(page.componentVersions ?? []).flatMap((each) => each.componentVersion ?? []));
    }
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
  return versions.sort(semver.rcompare)[0];
}

/** False when there is that version by now. */
async function create(client: GreengrassV2Client, recipe: Recipe): Promise<boolean> {
  try {
    await client.send(new CreateComponentVersionCommand({ inlineRecipe: encodeRecipe(recipe) }));
    return true;
  } catch (error) {
    if (statusOf(error) === 409) return false;
    throw error;
  }
}

/** Greengrass reads the artifacts first, which takes it a while. */
function settled(
  client: GreengrassV2Client,
  arn: string,
  options: PollOptions,
): Promise<DescribeComponentResponse> {
  return poll(`component ${arn}`, options, async () => {
    const found = await client.send(new DescribeComponentCommand({ arn }));
    const state = found.status?.componentState;
    return state === 'REQUESTED' || state === 'INITIATED' ? undefined : found;
  });
}

function failed({ componentName, componentVersion, status }: DescribeComponentResponse): EdgeError {
  const reasons = Object.entries(status?.errors ?? {}).map(([what, why]) => `${what}: ${why}`);
  const text = [status?.message, ...reasons].filter(Boolean).join('; ');
  return new EdgeError(
    'DEPLOYMENT_FAILED',
    `Greengrass cannot make ${componentName} ${componentVersion}: ${text}`,
  );
}
