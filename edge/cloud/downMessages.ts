import { z } from 'zod';
import {
  errorBodySchema,
  parseJsonWith,
  requestIdSchema,
  revisionNoticeSchema,
  updateAcceptedSchema,
  type CoreKind,
} from '../../protocol';

/** What the cloud sends down to a core, over whatever connection. */
export const DOWN = ['revision', 'accepted', 'refused'] as const satisfies readonly CoreKind[];
export type DownKind = (typeof DOWN)[number];

const SCHEMAS = {
  revision: revisionNoticeSchema,
  accepted: updateAcceptedSchema,
  refused: z.object({ requestId: requestIdSchema.optional(), error: errorBodySchema }),
} as const;

/** Throws BAD_REQUEST naming what is wrong. */
export function parseDown(kind: DownKind, payload: string | Uint8Array): unknown {
  return parseJsonWith(SCHEMAS[kind], payload, kind);
}
