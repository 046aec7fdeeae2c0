import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writeJsonFile } from '../../base/jsonFile';

const versionSchema = z.strictObject({
  id: z.string(),
  at: z.number(),
  content: z.record(z.string(), z.unknown()),
});

const containerSchema = z.strictObject({
  id: z.string(),
  name: z.string().optional(),
  createdAt: z.number(),
  updatedAt: z.number(),
  /** Oldest first. */
  versions: z.array(versionSchema),
});
/** A definition or a group: a name and its immutable versions. */
export type Container = z.infer<typeof containerSchema>;
export type ContainerVersion = z.infer<typeof versionSchema>;

const roleSchema = z.strictObject({ arn: z.string(), at: z.number() });
/** `at`: since when, in milliseconds since the epoch. */
export type AssociatedRole = z.infer<typeof roleSchema>;

const groupSchema = containerSchema.extend({
  role: roleSchema.optional(),
  /** Ids of certificate authorities. */
  authorities: z.array(z.string()),
  certificateExpiryMs: z.string().optional(),
});
export type Group = z.infer<typeof groupSchema>;

const deploymentSchema = z.strictObject({
  id: z.string(),
  groupId: z.string(),
  /** Undefined for a reset. */
  groupVersionId: z.string().optional(),
  type: z.enum(['NewDeployment', 'Redeployment', 'ResetDeployment', 'ForceResetDeployment']),
  status: z.enum(['Building', 'InProgress', 'Success', 'Failure']),
  createdAt: z.number(),
  updatedAt: z.number(),
  errorMessage: z.string().optional(),
  errorDetails: z
    .array(z.strictObject({ DetailedErrorCode: z.string(), DetailedErrorMessage: z.string() }))
    .optional(),
});
export type DeploymentOfGroup = z.infer<typeof deploymentSchema>;

const stateSchema = z.strictObject({
  /** By kind, then id. */
  definitions: z.record(z.string(), z.record(z.string(), containerSchema)),
  groups: z.record(z.string(), groupSchema),
  /** Oldest first. */
  deployments: z.array(deploymentSchema),
  serviceRole: roleSchema.optional(),
});

/** Everything of the control plane, kept on disk. Change it, then `save()`. */
export type V1State = z.infer<typeof stateSchema> & { save: () => void };

export function openV1State(dir: string): V1State {
  const path = join(dir, 'v1.json');
  const kept = readJsonFile(path, stateSchema) ?? { definitions: {}, groups: {}, deployments: [] };
  const state: V1State = {
    ...kept,
    save() {
      const { save: _save, ...rest } = state;
      writeJsonFile(path, rest);
    },
  };
  return state;
}
