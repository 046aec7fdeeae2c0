import { z } from 'zod';
import { parseWith } from '../protocol';

/** Outputs of the stack that the plugin writes. */
const outputsSchema = z
  .object({
    EdgeFunctionsBucket: z.string(),
    EdgeStateBucket: z.string(),
    EdgeHttpApiUrl: z.string(),
    EdgeCorePolicy: z.string(),
    EdgeDevicePolicy: z.string(),
    EdgeRoleAlias: z.string(),
    EdgeCorePrefix: z.string(),
    EdgeDevicePrefix: z.string(),
  })
  .transform((outputs) => ({
    functionsBucket: outputs.EdgeFunctionsBucket,
    stateBucket: outputs.EdgeStateBucket,
    httpApiUrl: outputs.EdgeHttpApiUrl,
    corePolicy: outputs.EdgeCorePolicy,
    devicePolicy: outputs.EdgeDevicePolicy,
    roleAlias: outputs.EdgeRoleAlias,
    corePrefix: outputs.EdgeCorePrefix,
    devicePrefix: outputs.EdgeDevicePrefix,
  }));
export type ServiceOutputs = z.output<typeof outputsSchema>;

/** Throws BAD_REQUEST naming the output that a stack without this plugin lacks. */
export function serviceOutputs(outputs: Record<string, string>): ServiceOutputs {
  return parseWith(outputsSchema, outputs, 'outputs of the stack');
}
