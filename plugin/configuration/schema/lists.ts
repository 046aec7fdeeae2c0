import { z } from 'zod';

/** A list whose only element may stand alone: `devices: sensor-1`. */
export function listOf<S extends z.ZodType>(list: z.ZodArray<S>) {
  return z.union([list, list.element.transform((only): z.output<S>[] => [only])], {
    error: 'expected a list',
  });
}
