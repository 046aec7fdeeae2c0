import path from 'node:path';
import type { OperatorAccess } from '../../operations/groups/changeGroup';
import { readPlan } from '../../operations/packages/plan';

/** Uploads every package without waiting for the registry: for a pipeline that must not wait. */
export async function uploadOnly({ operator, outputs }: OperatorAccess, packageDir: string): Promise<string> {
  const { packages } = await readPlan(path.join(packageDir, 'edge'));
  await Promise.all(
    packages.map(({ name, bytes }) => operator.uploadPackage(outputs.functionsBucket, name, bytes)),
  );
  return (
    `${packages.length} function packages uploaded to s3://${outputs.functionsBucket}/uploads/; ` +
    'the groups are as they were: sls edge deploy'
  );
}
