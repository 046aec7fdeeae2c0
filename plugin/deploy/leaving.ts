import { isSet, type CommandHost } from '../commands/command';
import { unlessMissing } from '../../lib/awsErrors';
import { EdgeError } from '../../protocol';

/** Option of `sls deploy` for who has read what this module says. */
export const LEAVE_BEHIND = 'edge-leave-behind';

/**
 * Without an `edge` section the next deployment takes the plugin's resources out of the stack. What
 * CloudFormation cannot delete would stay for good, known to nobody: buckets that are not empty, certificates
 * and things of cores and devices, functions that were made from packages. Throws CONFIG_INVALID while
 * there is any of it.
 */
export async function guardLeaving(host: CommandHost): Promise<void> {
  if (isSet(host.options, LEAVE_BEHIND)) return;
  const { groupNames, openIfDeployed } = await import('./remove');
  const service = await openIfDeployed(host);
  if (service === undefined) return;
  try {
    const { functionsBucket, stateBucket } = service.outputs;
    const groups = await groupNames(service);
    const functions = await unlessMissing(service.operator.functionNames(stateBucket));
    if (groups.length + (functions ?? []).length === 0) return;
    throw new EdgeError(
      'CONFIG_INVALID',
      `serverless.yml has no "edge" section any more: buckets ${functionsBucket} and ${stateBucket} would be left ` +
        `behind, with certificates and things of ${groups.length} groups`,
      {
        expected:
          'put the section back, run "sls edge leave", and deploy without it then (docs/leaving.md); ' +
          `or "sls deploy --${LEAVE_BEHIND}"`,
      },
    );
  } finally {
    service.close();
  }
}
