import { engineNamed, ENGINES } from '../../handlers/engines/engines';
import type { CheckedSection } from './schema';
import { groupOptionsOfEngines } from './schema/engine';
import { hint } from './nearestName';
import type { Problem } from './problems';

/** What the parts of a section say about each other and about `functions:`. */
export interface References {
  section: CheckedSection;
  /** Names under `functions:`. */
  functions: readonly string[];
  coreOf: (group: string) => string;
}

/** Names that stand for nothing, or for two things at once. */
export function referenceProblems(references: References): Problem[] {
  return [
    ...unknownFunctions(references),
    ...preloads(references),
    ...unknownCallees(references),
    ...sharedCores(references),
    ...sameBucket(references.section),
    ...foreignOptions(references.section),
  ];
}

function unknownFunctions({ section, functions }: References): Problem[] {
  return Object.keys(section.functions)
    .filter((name) => !functions.includes(name))
    .map((name) => ({
      path: `edge.functions.${name}`,
      text: `found "${name}", expected the name of an entry of "functions"${among(name, functions)}`,
    }));
}

function unknownCallees({ section }: References): Problem[] {
  const known = Object.keys(section.functions);
  return Object.entries(section.functions).flatMap(([name, entry]) =>
    (entry?.invokes ?? []).flatMap((callee, index): Problem[] => {
      if (known.includes(callee)) return [];
      const expected = `expected the name of an entry of "edge.functions"${among(callee, known)}`;
      return [{ path: `edge.functions.${name}.invokes.${index}`, text: `found "${callee}", ${expected}` }];
    }),
  );
}

function preloads({ section }: References): Problem[] {
  const entries = section.functions;
  return Object.entries(section.groups).flatMap(([group, { functions }]) =>
    functions.flatMap(({ function: name }, index): Problem[] => {
      const path = `edge.groups.${group}.functions.${index}`;
      if (!Object.hasOwn(entries, name)) {
        const known = Object.keys(entries);
        return [
          {
            path,
            text: `found "${name}", expected the name of an entry of "edge.functions"${among(name, known)}`,
          },
        ];
      }
      if (entries[name]?.locations?.includes('edge') !== false) return [];
      return [
        {
          path,
          text: `found "${name}", which runs in the cloud only, expected a function with location "edge"`,
        },
      ];
    }),
  );
}

/** A thing connects once: the second core would throw the first one out. */
function sharedCores({ section, coreOf }: References): Problem[] {
  const groups = Object.keys(section.groups);
  const owner = new Map<string, string>();
  return groups.flatMap((group): Problem[] => {
    const path = `edge.groups.${group}.core`;
    const core = coreOf(group);
    const other = owner.get(core);
    if (other !== undefined) {
      return [{ path, text: `found "${core}", the core of group "${other}", expected a core of its own` }];
    }
    owner.set(core, group);
    const device = groups.find((each) => section.groups[each]?.devices.includes(core));
    if (device === undefined) return [];
    return [
      { path, text: `found "${core}", a device of group "${device}", expected a thing that is no device` },
    ];
  });
}

function sameBucket({ buckets }: CheckedSection): Problem[] {
  const { functions, state } = buckets;
  if (functions === undefined || functions.name !== state?.name) return [];
  return [
    {
      path: 'edge.buckets.state',
      text: `found "${state.name}", the bucket of the function packages, expected another bucket`,
    },
  ];
}

/** Options that another engine would silently ignore. */
function foreignOptions({ engine, groups }: CheckedSection): Problem[] {
  const foreign = Object.keys(groupOptionsOfEngines).filter((option) => !hasOption(engine.name, option));
  return Object.entries(groups).flatMap(([group, entry]) =>
    foreign.flatMap((option): Problem[] => {
      const found = entry[option as keyof typeof groupOptionsOfEngines];
      if (found === undefined) return [];
      const others = ENGINES.map(({ name }) => name).filter((name) => hasOption(name, option));
      const expected = `expected engine "${others.join('" or "')}" or no ${option}`;
      const text = `found "${found}" with engine "${engine.name}", ${expected}`;
      return [{ path: `edge.groups.${group}.${option}`, text }];
    }),
  );
}

function hasOption(engine: string, option: string): boolean {
  return option in (engineNamed(engine).groupOptions ?? {});
}

function among(name: string, valid: readonly string[]): string {
  return hint(name, valid) || (valid.length === 0 ? '; there is none' : `: ${valid.join(', ')}`);
}
