import { join } from 'node:path';
import { z } from 'zod';
import { AwsError } from '../../../base/context';
import { readJsonFile, writeJsonFile } from '../../../base/jsonFile';

/** Times are milliseconds since the epoch. */
const thingSchema = z.strictObject({
  thingName: z.string(),
  thingId: z.string(),
  attributes: z.record(z.string(), z.string()),
  /** Ids of the certificates that are attached. */
  certificateIds: z.array(z.string()),
});
export type ThingRecord = z.infer<typeof thingSchema>;

export const CERTIFICATE_STATUSES = ['ACTIVE', 'INACTIVE', 'REVOKED'] as const;
export type CertificateStatus = (typeof CERTIFICATE_STATUSES)[number];

const certificateSchema = z.strictObject({
  certificateId: z.string(),
  certificatePem: z.string(),
  status: z.enum(CERTIFICATE_STATUSES),
  createdAt: z.number(),
  modifiedAt: z.number(),
  /** Names of the policies that are attached. */
  policyNames: z.array(z.string()),
});
export type CertificateRecord = z.infer<typeof certificateSchema>;

const policySchema = z.strictObject({
  policyName: z.string(),
  /** JSON text, as it was given. */
  document: z.string(),
  version: z.number(),
  createdAt: z.number(),
  modifiedAt: z.number(),
});
export type PolicyRecord = z.infer<typeof policySchema>;

const roleAliasSchema = z.strictObject({
  roleAlias: z.string(),
  roleArn: z.string(),
  credentialDurationSeconds: z.number(),
  createdAt: z.number(),
  modifiedAt: z.number(),
});
export type RoleAliasRecord = z.infer<typeof roleAliasSchema>;

const thingGroupSchema = z.strictObject({
  thingGroupName: z.string(),
  thingNames: z.array(z.string()),
  createdAt: z.number(),
});
export type ThingGroupRecord = z.infer<typeof thingGroupSchema>;

const fileSchema = z.strictObject({
  format: z.literal(1),
  things: z.array(thingSchema),
  certificates: z.array(certificateSchema),
  policies: z.array(policySchema),
  roleAliases: z.array(roleAliasSchema),
  thingGroups: z.array(thingGroupSchema).default([]),
});

/** What the registry keeps. Change the maps, then `save()`. */
export interface RegistryStore {
  readonly things: Map<string, ThingRecord>;
  readonly certificates: Map<string, CertificateRecord>;
  readonly policies: Map<string, PolicyRecord>;
  readonly roleAliases: Map<string, RoleAliasRecord>;
  readonly thingGroups: Map<string, ThingGroupRecord>;
  save(): void;
}

export function openRegistryStore(dir: string): RegistryStore {
  const path = join(dir, 'registry.json');
  const kept = readJsonFile(path, fileSchema);
  const store = {
    things: new Map((kept?.things ?? []).map((one) => [one.thingName, one])),
    certificates: new Map((kept?.certificates ?? []).map((one) => [one.certificateId, one])),
    policies: new Map((kept?.policies ?? []).map((one) => [one.policyName, one])),
    roleAliases: new Map((kept?.roleAliases ?? []).map((one) => [one.roleAlias, one])),
    thingGroups: new Map((kept?.thingGroups ?? []).map((one) => [one.thingGroupName, one])),
  };
  const save = (): void =>
    writeJsonFile(path, {
      format: 1,
      things: [...store.things.values()],
      certificates: [...store.certificates.values()],
      policies: [...store.policies.values()],
      roleAliases: [...store.roleAliases.values()],
      thingGroups: [...store.thingGroups.values()],
    } satisfies z.infer<typeof fileSchema>);
  return { ...store, save };
}

/** Throws ResourceNotFoundException. */
export function found<T>(records: ReadonlyMap<string, T>, name: string, what: string): T {
  const record = records.get(name);
  if (record !== undefined) return record;
  throw new AwsError('ResourceNotFoundException', `${what} ${name} does not exist`, 404);
}

/** Throws InvalidRequestException unless `name` has the form that AWS IoT asks for. */
export function requireName(name: string, form: RegExp, what: string): void {
  if (form.test(name)) return;
  throw new AwsError('InvalidRequestException', `${what} '${name}' must match ${form.source}`);
}
