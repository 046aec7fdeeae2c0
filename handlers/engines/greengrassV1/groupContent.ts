import type { GroupVersion } from '@aws-sdk/client-greengrass';
import { wantedFunctions, type GroupDefinition } from '../../../protocol';
import { v1DefinitionName } from '../../../protocol/greengrassV1';
import type { ContentKind, GroupContent } from './content';
import { DEFINITION_KINDS, type DefinitionVersions, type VersionContent } from './definitions';
import { nextEntries, nextFunctions, sameEntries } from './merge';
import { requireFunctionsFit, requireWithinQuotas } from './quotas';
import { functionEntries } from './functions';
import type { FoundGroup, Groups } from './groups';
import { coreEntries, deviceEntries, loggerEntries, resourceEntries, revokedThings } from './entries';
import type { GreengrassV1Settings, SystemFunctionArns } from './systemFunctions';
import { subscriptionEntries } from './subscriptions';

const CONTENT_KINDS = Object.keys(DEFINITION_KINDS) as ContentKind[];

/** What this product puts into a group, and the ARNs of things that it takes out of it. */
export interface OwnContent extends GroupContent {
  gone: ReadonlySet<string>;
}

type Versions = { [K in ContentKind]: VersionContent<K> };

/** Throws DEPLOYMENT_FAILED for a function without a Lambda version. */
export function ownContent(
  definition: GroupDefinition,
  arns: SystemFunctionArns,
  settings: GreengrassV1Settings,
): OwnContent {
  const functions = wantedFunctions(definition);
  return {
    cores: coreEntries(definition, settings),
    devices: deviceEntries(definition, settings),
    functions: functionEntries(definition, functions, arns, settings),
    subscriptions: subscriptionEntries(definition, functions, arns, settings),
    resources: resourceEntries(),
    loggers: loggerEntries(settings),
    gone: revokedThings(definition, settings),
  };
}

/** A group may be edited by others between our reading and our writing; each time it is read anew. */
const MAX_EDITS = 5;

/** Brings groups to their content: versions of definitions, then a version of the group. */
export class GroupWriter {
  constructor(
    private readonly groups: Groups,
    private readonly versions: DefinitionVersions,
  ) {}

  /**
   * The group with a version that holds `own` and all that others put there. A definition that holds
   * that already is not written again, and a group that names them all gets no new version. Connectors,
   * and any other definition that is not ours, are carried over by their ARN. Throws DEPLOYMENT_FAILED,
   * Undeliverable before anything is made when the group would be over a quota.
   */
  async bring(name: string, own: OwnContent, definition: GroupDefinition): Promise<FoundGroup> {
    for (let edits = 0; ; edits++) {
      const group = await this.groups.find(name);
      const before = await this.read(group?.definitions ?? {});
      const after = contentAfter(before, own);
      requireFunctionsFit(before.functions.entries, after.functions.entries, wantedFunctions(definition));
      requireWithinQuotas(entriesOf(after), definition.core?.thingName ?? '');
      if (group === undefined) {
        await this.groups.create(name);
        continue;
      }
      const next = await this.nextDefinitions(name, group.definitions, before, after);
      if (!next.changed && group.version !== undefined) return group;
      const latest = await this.groups.find(name);
      if (latest?.version === group.version || edits === MAX_EDITS) {
        return this.groups.addVersion(group.id, next.definitions);
      }
    }
  }

  private async nextDefinitions(
    name: string,
    current: GroupVersion,
    before: Versions,
    after: Versions,
  ): Promise<{ definitions: GroupVersion; changed: boolean }> {
    const definitions: GroupVersion = { ...current };
    const changed = CONTENT_KINDS.filter((kind) => !sameEntries(before[kind].entries, after[kind].entries));
    for (const kind of changed) {
      const { groupField } = DEFINITION_KINDS[kind];
      definitions[groupField] = await this.write(kind, current[groupField], name, after);
    }
    return { definitions, changed: changed.length > 0 };
  }

  private async read(current: GroupVersion): Promise<Versions> {
    const read = await Promise.all(
      CONTENT_KINDS.map(
        async (kind) =>
          [kind, await this.versions.read(kind, current[DEFINITION_KINDS[kind].groupField])] as const,
      ),
    );
    return Object.fromEntries(read) as unknown as Versions;
  }

  private write(
    kind: ContentKind,
    before: string | undefined,
    name: string,
    after: Versions,
  ): Promise<string> {
    return this.versions.write(kind, before, v1DefinitionName(name, kind), after[kind]);
  }
}

function contentAfter(before: Versions, own: OwnContent): Versions {
  const after = <K extends Exclude<ContentKind, 'functions'>>(kind: K): VersionContent<K> => ({
    entries: nextEntries(kind, before[kind].entries, own[kind], own.gone),
  });
  const { entries, defaults } = before.functions;
  const resources = after('resources');
  return {
    cores: after('cores'),
    devices: after('devices'),
    functions: { entries: nextFunctions(entries, own.functions, defaults, resources.entries), defaults },
    subscriptions: after('subscriptions'),
    resources,
    loggers: after('loggers'),
  };
}

function entriesOf(versions: Versions): GroupContent {
  return Object.fromEntries(
    CONTENT_KINDS.map((kind) => [kind, versions[kind].entries]),
  ) as unknown as GroupContent;
}
