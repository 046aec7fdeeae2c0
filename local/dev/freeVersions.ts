import type { OperatorAccess } from '../../operations/groups/changeGroup';
import type { EdgePackage } from '../../operations/groups/groupFiles';
import { zipEntries } from '../../operations/packages/zipEntries';
import { CONFIG_ENTRY, configOf, packageDigest, readPackage } from '../../protocol/functionPackage';

/**
 * The packages, but where `serverless.yml` fixes a version that has other content by now, without that
 * version: the registry gives the next patch. Elsewhere a version that changes is refused; while one
 * develops, it changes with every save.
 */
export function withFreeVersions(
  access: OperatorAccess,
  packages: readonly EdgePackage[],
): Promise<EdgePackage[]> {
  return Promise.all(packages.map((each) => withFreeVersion(access, each)));
}

async function withFreeVersion(
  { operator, outputs }: OperatorAccess,
  { name, bytes }: EdgePackage,
): Promise<EdgePackage> {
  const index = await operator.functionIndex(outputs.stateBucket, name);
  const digests = new Map(
    Object.entries(index?.versions ?? {}).map(([version, { manifest }]) => [version, manifest.digest]),
  );
  const digest = packageDigest(bytes);
  if (digests.size === 0 || [...digests.values()].includes(digest)) return { name, bytes };
  const entries = await readPackage(bytes);
  const { version } = configOf(entries);
  if (version === undefined || !digests.has(version)) return { name, bytes };
  const free = entries.map((entry) =>
    entry.path === CONFIG_ENTRY ? { ...entry, content: withoutVersion(entry.content) } : entry,
  );
  return { name, bytes: await zipEntries(free) };
}

function withoutVersion(content: Buffer): Buffer {
  const { version: _taken, ...config } = JSON.parse(content.toString('utf8')) as Record<string, unknown>;
  return Buffer.from(`${JSON.stringify(config, null, 2)}\n`);
}
