import { z } from 'zod';
import { functionConfigSchema } from '../../../protocol';

/** A list whose only element may stand alone: `devices: sensor-1`. */
export function listOf<S extends z.ZodType>(list: z.ZodArray<S>) {
  return z.union([list, list.element.transform((only): z.output<S>[] => [only])], {
    error: 'expected a list',
  });
}

/** Fields of edge.json without their defaults: what is left out here comes from `functions:`. */
const fields = functionConfigSchema.shape;
const requirements = fields.requires.unwrap().shape;

const variableSchema = z
  .union([z.string(), z.number(), z.boolean()], { error: 'expected text, a number, true or false' })
  .transform(String);

export const edgeFunctionSchema = z.strictObject({
  locations: listOf(fields.locations.unwrap())
    .optional()
    .describe(
      'Where the function may run: edge, cloud or both. Default: [edge]. A function without "cloud" is no Lambda ' +
        'function of the stack.',
    ),
  version: fields.version,
  devices: listOf(fields.devices.unwrap())
    .optional()
    .describe('Which devices may use the function: thing names, "*" and "?" are wildcards. Default: all.'),
  memory: fields.memory
    .unwrap()
    .optional()
    .describe(
      'Memory limit of one instance on the edge in MiB. Default: memorySize of the function, or 128.',
    ),
  timeout: fields.timeout
    .unwrap()
    .optional()
    .describe('Longest run of one call on the edge in seconds. Default: timeout of the function, or 6.'),
  instances: fields.instances.unwrap().optional().describe('Most instances at once on one edge. Default: 2.'),
  pinned: fields.pinned.unwrap().optional().describe('Keep one instance running for good. Default: false.'),
  environment: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable'), variableSchema)
    .optional()
    .describe(
      'Environment variables on the edge, in addition to those of the function and instead of them. References to ' +
        'resources of the stack mean nothing there: they need a value here.',
    ),
  publishes: listOf(fields.publishes.unwrap())
    .optional()
    .describe(
      'Topics below "<prefix>/shared/" that the function may publish to from an edge; "+" and "#" as in MQTT. ' +
        'Default: none.',
    ),
  invokes: listOf(fields.invokes.unwrap())
    .optional()
    .describe(
      'Functions that the function may call from an edge, whichever device called it. Default: none.',
    ),
  requires: z
    .strictObject({
      node: requirements.node.describe('Range of Node.js versions that the edge must have.'),
      architectures: listOf(requirements.architectures.unwrap())
        .optional()
        .describe('Architectures that the package runs on; needed where it holds native code.'),
    })
    .optional()
    .describe('What the edge must offer.'),
});
