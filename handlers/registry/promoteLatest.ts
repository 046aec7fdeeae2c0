import type { CloudPublisher, Registry } from '../ports';

const MAX_TRIES = 5;

/**
 * Points the alias of the function's Lambda at the latest version. Reads the index again afterwards:
 * whoever moved the latest in between may have moved the alias before us.
 */
export async function promoteLatest(
  name: string,
  { registry, cloud }: { registry: Registry; cloud: CloudPublisher },
): Promise<void> {
  let promoted: string | undefined;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const index = (await registry.index(name))?.value;
    const latest = index?.versions[index.latest]?.manifest;
    if (latest === undefined || latest.version === promoted || latest.cloud === undefined) return;
    await cloud.promote(name, latest.cloud);
    promoted = latest.version;
  }
}
