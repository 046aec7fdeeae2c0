import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EdgeError } from '../../protocol';
import type { StackFile } from '../../operations/stackFile';
import type { Environment } from './environment';

const OWNER_ONLY = 0o600;

/** Tells the commands (`--local`) of this environment: CloudFormation has no wire protocol here. */
export async function writeStackFile({ cloud, stackName }: Environment, file: string): Promise<void> {
  const stack = cloud.stack(stackName);
  if (stack === undefined) throw new EdgeError('INTERNAL', `stack ${stackName} is not deployed`);
  const content: StackFile = {
    format: 1,
    stackName,
    region: cloud.region,
    outputs: stack.outputs,
    environment: cloud.environment(),
    ca: cloud.authority.certificatePem,
    discoveryUrl: cloud.endpoints.iotTls,
  };
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: OWNER_ONLY });
  await rename(`${file}.new`, file);
}
