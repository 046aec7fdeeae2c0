import { z } from 'zod';
import { sweepMinutes, type EngineDescriptor } from '../descriptor';

export const DIRECT = {
  name: 'direct',
  options: z.strictObject({
    name: z.literal('direct').describe('The edge core fetches functions itself; nothing restarts.'),
    sweepMinutes,
  }),
  statements: () => [],
  open: async (ports) => new (await import('./engine')).DirectEngine(ports),
} satisfies EngineDescriptor;
