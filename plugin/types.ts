export type { EdgeCalls, EdgeContext, EdgeInvokeOptions } from '../protocol/edgeContext';
import type { z } from 'zod';
import type { edgeSectionSchema } from './configuration/schema';

/** The `edge` section as a `serverless.ts` writes it. Published as scripts/types.mjs spells it out. */
export type EdgeSection = z.input<typeof edgeSectionSchema>;
