import type { GreengrassClient } from '@aws-sdk/client-greengrass';
import type { ContentKind, FunctionDefaultConfig, GroupContent } from './content';
import { DEFINITION_KINDS, type VersionContent } from './definitionKinds';
import { isMissing } from './errors';
import { allPages } from './pages';

/** Reads and writes versions of definitions, which are immutable. */
export class DefinitionVersions {
  constructor(private readonly client: GreengrassClient) {}

  /** All pages of it. Without an ARN, or when somebody deleted the definition: nothing. */
  async read<K extends ContentKind>(kind: K, arn: string | undefined): Promise<VersionContent<K>> {
    const at = arn === undefined ? undefined : parseArn(arn);
    if (at === undefined) return nothing();
    let defaults: FunctionDefaultConfig | undefined;
    try {
      const entries = await allPages<unknown>(async ({ NextToken }) => {
        const page = await DEFINITION_KINDS[kind].read(this.client, at.definition, at.version, NextToken);
        defaults ??= page.defaults;
        return { items: page.entries, next: page.next };
      });
      return { entries: entries as GroupContent[K], ...(defaults !== undefined && { defaults }) };
    } catch (error) {
      if (!isMissing(error)) throw error;
      return nothing();
    }
  }

  /** The ARN of a version with this content: of the definition that `before` names, else of a new one. */
  async write<K extends ContentKind>(
    kind: K,
    before: string | undefined,
    name: string,
    content: VersionContent<K>,
  ): Promise<string> {
    const at = before === undefined ? undefined : parseArn(before);
    const calls = DEFINITION_KINDS[kind];
    const arn = at === undefined ? undefined : await this.extend(kind, at.definition, content);
    const written = arn ?? (await calls.create(this.client, name, content));
    if (written === undefined) throw new Error(`Greengrass named no ARN for the new version of ${name}`);
    return written;
  }

  private async extend<K extends ContentKind>(
    kind: K,
    definition: string,
    content: VersionContent<K>,
  ): Promise<string | undefined> {
    try {
      return await DEFINITION_KINDS[kind].extend(this.client, definition, content);
    } catch (error) {
      if (!isMissing(error)) throw error;
      return undefined;
    }
  }
}

function nothing<K extends ContentKind>(): VersionContent<K> {
  return { entries: [] as unknown as GroupContent[K] };
}

/** `…/definition/<kind>/<definition>/versions/<version>` */
function parseArn(arn: string): { definition: string; version: string } | undefined {
  const [, definition, version] = /\/definition\/\w+\/([^/]+)\/versions\/([^/]+)$/.exec(arn) ?? [];
  return definition === undefined || version === undefined ? undefined : { definition, version };
}
