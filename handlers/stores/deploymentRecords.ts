import { EdgeError, keys } from '../../protocol';
import type { Deployment } from '../engines/engine';
import type { DeploymentRecords } from '../ports';
import type { S3Documents } from './s3Documents';

/** What was deployed when, in the state bucket: one object per group and revision. */
export class S3DeploymentRecords implements DeploymentRecords {
  constructor(private readonly documents: S3Documents) {}

  async read(group: string, revision: number): Promise<Deployment | undefined> {
    const key = keys.deployment(group, revision);
    const found = await this.documents.get(key);
    if (found === undefined) return undefined;
    try {
      return JSON.parse(found.text) as Deployment;
    } catch (cause) {
      throw new EdgeError('INTERNAL', `${key}: not JSON`, { cause });
    }
  }

  async write(deployment: Deployment): Promise<void> {
    await this.documents.put(
      keys.deployment(deployment.group, deployment.revision),
      JSON.stringify(deployment),
    );
  }
}
