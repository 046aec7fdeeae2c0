import fc from 'fast-check';
import { requireFunctionName, requireThingName } from '../../device/checks';
import type * as Client from '../../device/types';
import {
  functionNameSchema,
  type PROGRESS_STAGES,
  thingNameSchema,
  type EdgeStatusMessage,
  type RequestedLocation,
} from '../../protocol';

/** The client's checks and types are written without zod; here they are held against the schemas. */
function accepts(check: (value: unknown) => unknown, value: unknown): boolean {
  try {
    check(value);
    return true;
  } catch {
    return false;
  }
}

const names = fc.oneof(
  fc.string({ maxLength: 140 }),
  fc.stringMatching(/^[a-zA-Z0-9:_-]{1,130}$/),
  fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,50}$/),
  fc.constantFrom('', 'constructor', 'a\n', '+', '#', 'a/b', 'ä'),
);

test.each([
  ['thing names', requireThingName, thingNameSchema],
  ['function names', requireFunctionName, functionNameSchema],
])('%s: the same as the schema', (_what, check, schema) => {
  fc.assert(
    fc.property(names, (name) => accepts(check, name) === schema.safeParse(name).success),
    { numRuns: 2_000 },
  );
});

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

test('the public types are those of the protocol', () => {
  // These are checked by the compiler; a difference makes a line fail to type-check.
  const status: Same<Client.EdgeStatus, EdgeStatusMessage> = true;
  const location: Same<Client.InvokeLocation, RequestedLocation> = true;
  const stage: Same<Client.ProgressStage, (typeof PROGRESS_STAGES)[number]> = true;
  expect([status, location, stage]).toEqual([true, true, true]);
});
