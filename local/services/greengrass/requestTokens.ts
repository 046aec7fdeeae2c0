import { z } from 'zod';
import { readJsonFile, writeJsonFile } from '../../base/jsonFile';

const schema = z.array(
  z.strictObject({ key: z.string(), at: z.number(), answer: z.record(z.string(), z.unknown()) }),
);

type Answer = Record<string, unknown>;

/** Client tokens: a repeated request gets the answer of the one that succeeded. */
export interface RequestTokens {
  once(operation: string, token: string | undefined, work: () => Answer): Answer;
}

/** How long answers are kept (API reference, CreateDeployment, clientToken). */
const KEPT_MS = 8 * 3600 * 1000;

export function openRequestTokens(path: string, now: () => number): RequestTokens {
  let kept = readJsonFile(path, schema) ?? [];
  return {
    once(operation, token, work) {
      if (token === undefined) return work();
      const key = `${operation}/${token}`;
      kept = kept.filter(({ at }) => now() - at < KEPT_MS);
      const earlier = kept.find((one) => one.key === key);
      if (earlier !== undefined) return earlier.answer;
      const answer = work();
      kept.push({ key, at: now(), answer });
      writeJsonFile(path, kept);
      return answer;
    },
  };
}
