import { z } from 'zod';
import { ENGINES } from '../../../handlers/engines/engines';

type OptionsOf<Engines extends readonly { options: unknown }[]> = {
  readonly [At in keyof Engines]: Engines[At]['options'];
};

const names = ENGINES.map(({ name }) => name) as [string, ...string[]];
const options = ENGINES.map((engine) => engine.options) as unknown as OptionsOf<typeof ENGINES>;

const optionsSchema = z.discriminatedUnion('name', options, { error: `expected one of ${names.join(', ')}` });

/** An empty value, such as that of an unset variable, leaves the option out. */
function withoutEmpty(found: unknown): unknown {
  if (found === null || typeof found !== 'object' || Array.isArray(found)) return found;
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null));
}

/** The name of an engine alone, or with its options. */
export const engineSchema = z
  .preprocess(
    withoutEmpty,
    z.union([z.enum(names).transform((name) => optionsSchema.parse({ name })), optionsSchema], {
      error: `expected the name of an engine (${names.join(', ')}), or { name: …, and its options }`,
    }),
  )
  .prefault('direct')
  .describe('What brings definitions to edge cores: its name, or { name, and its options }.');

type OptionsOfGroup<Engine> = Engine extends { groupOptions: infer Options } ? Options : never;
type All<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer Every) => void
  ? Every
  : never;

/** Options that groups have for the one engine or the other. */
export const groupOptionsOfEngines = Object.assign(
  {},
  ...ENGINES.map((engine) => ('groupOptions' in engine ? engine.groupOptions : {})),
) as All<OptionsOfGroup<(typeof ENGINES)[number]>>;
