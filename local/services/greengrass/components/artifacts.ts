import { createHash } from 'node:crypto';
import type { Recipe } from '../../../../protocol/greengrass/recipe';
import { AwsError } from '../../../base/context';
import type { GreengrassContext } from '../context';
import type { ComponentRecord } from './store';

/**
 * What Greengrass does after it has answered: reads every artifact with the caller's permissions, puts
 * its digest into the recipe, and makes the version deployable — or failed, with the reason per artifact.
 */
export async function prepareComponent(context: GreengrassContext, record: ComponentRecord): Promise<void> {
  const { components, log } = context;
  components.save({ ...record, state: 'INITIATED', message: 'Reading the artifacts' });
  const errors: Record<string, string> = {};
  const recipe = structuredClone(record.recipe);
  for (const artifact of recipe.Manifests.flatMap(({ Artifacts }) => Artifacts ?? [])) {
    try {
      artifact.Digest = await digestOf(context, artifact.Uri, record.callerRole);
      artifact.Algorithm = 'SHA-256';
    } catch (error) {
      errors[artifact.Uri] = error instanceof Error ? error.message : String(error);
    }
  }
  // It may have been deleted meanwhile.
  if (components.find(recipe.ComponentName, recipe.ComponentVersion) === undefined) return;
  if (Object.keys(errors).length === 0) {
    components.save({ ...record, recipe, state: 'DEPLOYABLE', message: 'NONE', errors });
    return;
  }
  log.info({ component: nameOf(recipe), errors }, 'component version failed');
  components.save({
    ...record,
    state: 'FAILED',
    message: 'Specified artifact resource cannot be accessed',
    errors,
  });
}

/** Base64, as the nucleus compares it. */
async function digestOf(
  { cloud, readObject }: GreengrassContext,
  uri: string,
  callerRole: string | undefined,
): Promise<string> {
  const { bucket, key } = parseS3Uri(uri);
  if (callerRole !== undefined) requireReadable(cloud, callerRole, bucket, key);
  const bytes = await readObject(bucket, key);
  return createHash('sha256').update(bytes).digest('base64');
}

function requireReadable(
  cloud: GreengrassContext['cloud'],
  roleArn: string,
  bucket: string,
  key: string,
): void {
  const name = roleArn.slice(roleArn.lastIndexOf('/') + 1);
  const arn = `arn:aws:sts::${cloud.account}:assumed-role/${name}/greengrass`;
  const principal = { arn, account: cloud.account, role: { name, arn: roleArn }, accessKeyId: '' };
  cloud.iam.authorize(principal, 's3:GetObject', `arn:aws:s3:::${bucket}/${key}`);
}

/** Throws AwsError ValidationException for what the local cloud cannot read. */
function parseS3Uri(uri: string): { bucket: string; key: string } {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/i.exec(uri) ?? [];
  if (bucket !== undefined && key !== undefined) return { bucket, key };
  throw new AwsError('ValidationException', `${uri}: the local cloud has artifacts in S3 only`);
}

function nameOf(recipe: Recipe): string {
  return `${recipe.ComponentName}:${recipe.ComponentVersion}`;
}
