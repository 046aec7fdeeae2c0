import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { AwsError, type PolicyDocument, type PolicyStatement } from '../../../base/context';
import { statementsOf } from '../../iam/evaluatePolicies';
import { found, requireName, type PolicyRecord, type RegistryStore } from './store';

export interface Policies {
  /** Creates or replaces (CloudFormation). Throws MalformedPolicyException. */
  put(policyName: string, document: unknown): PolicyRecord;
  /** `document` is JSON text. Throws ResourceAlreadyExistsException, MalformedPolicyException. */
  create(policyName: string, document: string): PolicyRecord;
  /** Throws ResourceNotFoundException. */
  get(policyName: string): PolicyRecord;
  list(): PolicyRecord[];
  /** Nothing happens when there is none. Throws DeleteConflictException while it is attached. */
  remove(policyName: string): void;
  /** The statements of every policy that is attached to a certificate. */
  statementsFor(certificateId: string): PolicyStatement[];
}

const POLICY_NAME = /^[\w+=,.@-]{1,128}$/;
const strings = z.union([z.string(), z.array(z.string()).min(1)]);
const statement = z.looseObject({
  Effect: z.enum(['Allow', 'Deny']),
  Action: strings,
  Resource: strings,
  Condition: z.record(z.string(), z.record(z.string(), strings)).optional(),
});
const documentSchema = z.strictObject({
  Version: z.literal('2012-10-17'),
  Id: z.string().optional(),
  Statement: z.union([statement, z.array(statement).min(1)]),
});

export function createPolicies(store: RegistryStore): Policies {
  const { policies, certificates } = store;

  function write(policyName: string, text: string): PolicyRecord {
    requireName(policyName, POLICY_NAME, 'Policy name');
    const now = Date.now();
    const before = policies.get(policyName);
    const record = {
      policyName,
      document: text,
      version: (before?.version ?? 0) + 1,
      createdAt: before?.createdAt ?? now,
      modifiedAt: now,
    };
    policies.set(policyName, record);
    store.save();
    return record;
  }

  return {
    put(policyName, document) {
      const parsed = requireDocument(document);
      const before = policies.get(policyName);
      if (before !== undefined && isDeepStrictEqual(JSON.parse(before.document), parsed)) return before;
      return write(policyName, JSON.stringify(parsed));
    },
    create(policyName, document) {
      requireDocument(parseJson(document));
      if (policies.has(policyName)) {
        throw new AwsError('ResourceAlreadyExistsException', `Policy ${policyName} already exists`, 409);
      }
      return write(policyName, document);
    },
    get: (policyName) => found(policies, policyName, 'Policy'),
    list: () => [...policies.values()],
    remove(policyName) {
      const attached = [...certificates.values()].some(({ policyNames }) => policyNames.includes(policyName));
      if (attached) {
        throw new AwsError(
          'DeleteConflictException',
          `Policy ${policyName} is attached to a certificate`,
          409,
        );
      }
      if (policies.delete(policyName)) store.save();
    },
    statementsFor: (certificateId) =>
      (certificates.get(certificateId)?.policyNames ?? []).flatMap((name) => {
        const record = policies.get(name);
        return record === undefined ? [] : statementsOf(JSON.parse(record.document) as PolicyDocument);
      }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError('MalformedPolicyException', 'The policy document is not JSON');
  }
}

function requireDocument(document: unknown): unknown {
  const result = documentSchema.safeParse(document);
  if (result.success) return document;
  const issue = result.error.issues[0];
  const where = issue?.path.map(String).join('.') || 'the document';
  throw new AwsError(
    'MalformedPolicyException',
    `Policy document: ${where}: ${issue?.message ?? 'malformed'}`,
  );
}
