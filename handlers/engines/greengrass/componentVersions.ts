import {
  CreateComponentVersionCommand,
  DeleteComponentCommand,
  DescribeComponentCommand,
  type DescribeComponentResponse,
  type GreengrassV2Client,
} from '@aws-sdk/client-greengrassv2';
import { EdgeError } from '../../../protocol';
import { packageOf } from '../../../protocol/greengrass/names';
import { encodeRecipe, type Recipe } from '../../../protocol/greengrass/recipe';
import type { RetryPause } from '../../ports';
import { isConflict, isNotFound } from './awsErrors';

/** ARNs of Greengrass V2 resources and of things, of one account and region. */
export interface GreengrassArns {
  thing(name: string): string;
  componentVersion(name: string, version: string): string;
}

/** `thingArnPrefix`: `arn:<partition>:iot:<region>:<account>:thing/`. */
export function greengrassArns(thingArnPrefix: string): GreengrassArns {
  const [, partition, , region, account] = thingArnPrefix.split(':');
  return {
    thing: (name) => `${thingArnPrefix}${name}`,
    componentVersion: (name, version) =>
      `arn:${partition}:greengrass:${region}:${account}:components:${name}:versions:${version}`,
  };
}

/** Looks at a version that is being made; the pauses between them grow to the backoff's longest. */
const MAX_LOOKS = 100;

/** The component versions of functions, each made once and used again. */
export class ComponentVersions {
  /** Digests of packages by ARN: a deployable version never changes again. */
  private readonly deployable = new Map<string, string>();

  constructor(
    private readonly client: GreengrassV2Client,
    private readonly arns: GreengrassArns,
    private readonly backoff: RetryPause,
  ) {}

  /**
   * Resolves when the version is deployable. Throws VERSION_CONFLICT when there is one of that number
   * for another package, DEPLOYMENT_FAILED with Greengrass' reasons when it cannot be made or has a
   * recipe over the limit, DEPLOYMENT_TIMED_OUT.
   */
  async ensure(recipe: Recipe): Promise<void> {
    const arn = this.arns.componentVersion(recipe.ComponentName, recipe.ComponentVersion);
    const known = this.deployable.get(arn);
    if (known !== undefined) {
      requirePackage(recipe, known);
      return;
    }
    let found = await this.describe(arn);
    if (found === undefined || stateOf(found) === 'FAILED') {
      // A failed version can never be deployed; its artifact may be readable by now.
      if (found !== undefined) await this.discard(arn);
      await this.create(recipe);
      found = await this.describe(arn);
    }
    for (let looks = 1; !isSettled(found); looks++) {
      if (looks > MAX_LOOKS)
        throw new EdgeError('DEPLOYMENT_TIMED_OUT', `${nameOf(recipe)} is still being made`);
      await this.backoff(looks);
      found = await this.describe(arn);
    }
    if (stateOf(found) === 'FAILED') throw failed(recipe, found);
    const digest = packageOf(found?.description);
    requirePackage(recipe, digest);
    if (digest !== undefined) this.deployable.set(arn, digest);
  }

  /** Whether somebody else made a component version; one that is gone belongs to nobody. */
  async isForeign(componentName: string, version: string): Promise<boolean> {
    const arn = this.arns.componentVersion(componentName, version);
    if (this.deployable.has(arn)) return false;
    const found = await this.describe(arn);
    return found !== undefined && packageOf(found.description) === undefined;
  }

  private async describe(arn: string): Promise<DescribeComponentResponse | undefined> {
    try {
      return await this.client.send(new DescribeComponentCommand({ arn }));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  private async discard(arn: string): Promise<void> {
    try {
      await this.client.send(new DeleteComponentCommand({ arn }));
    } catch (error) {
      // Another performer was first, and may be making it anew already.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  private async create(recipe: Recipe): Promise<void> {
    try {
      await this.client.send(new CreateComponentVersionCommand({ inlineRecipe: encoded(recipe) }));
    } catch (error) {
      // Another performer was first; what it made is looked at next.
      if (!isConflict(error)) throw error;
    }
  }
}

function encoded(recipe: Recipe): Uint8Array {
  try {
    return encodeRecipe(recipe);
  } catch (error) {
    throw new EdgeError('DEPLOYMENT_FAILED', `${nameOf(recipe)}: ${EdgeError.from(error).message}`);
  }
}

function isSettled(found: DescribeComponentResponse | undefined): boolean {
  return !['REQUESTED', 'INITIATED', undefined].includes(stateOf(found));
}

function stateOf(found: DescribeComponentResponse | undefined): string | undefined {
  return found?.status?.componentState;
}

/** Throws VERSION_CONFLICT naming both packages. */
function requirePackage(recipe: Recipe, found: string | undefined): void {
  const wanted = packageOf(recipe.ComponentDescription);
  if (found === wanted) return;
  const there = found === undefined ? 'a recipe that this service did not make' : `package ${found}`;
  throw new EdgeError(
    'VERSION_CONFLICT',
    `component ${nameOf(recipe)} exists with ${there}, the group wants package ${wanted}`,
    { details: { component: nameOf(recipe), found: found ?? null, wanted } },
  );
}

function failed(recipe: Recipe, found: DescribeComponentResponse | undefined): EdgeError {
  const { message, errors } = found?.status ?? {};
  const reasons = Object.entries(errors ?? {}).map(([what, why]) => `${what}: ${why}`);
  const text = [message, ...reasons].filter(Boolean).join('; ');
  return new EdgeError('DEPLOYMENT_FAILED', `Greengrass cannot make ${nameOf(recipe)}: ${text}`, {
    details: { component: nameOf(recipe), errors: errors ?? {} },
  });
}

function nameOf({ ComponentName, ComponentVersion }: Recipe): string {
  return `${ComponentName} ${ComponentVersion}`;
}
