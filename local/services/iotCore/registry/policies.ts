import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { tryParseJson } from '../../../../lib/json';
import { AwsError, type PolicyDocument, type PolicyStatement } from '../../../base/context';
import { firstProblem, pageOf, readJsonBody } from '../../../base/rest/input';
import { ANY_RESOURCE, routesOf, type RestCall, type RestRoute } from '../../../base/rest/service';
import { statementsOf } from '../../iam/evaluatePolicies';
import type { IotArns } from '../arns';
import type { Certificates } from './certificates';
import { found, requireName, type PolicyRecord, type RegistryStore } from './store';

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

/** IoT policies; the certificates say which are attached to them. */
export class Policies {
  constructor(private readonly store: RegistryStore) {}

  /** Creates or replaces (CloudFormation). Throws MalformedPolicyException. */
  put(policyName: string, document: unknown): PolicyRecord {
    requireDocument(document);
    const before = this.store.policies.get(policyName);
    if (before !== undefined && isDeepStrictEqual(JSON.parse(before.document), document)) return before;
    return this.#write(policyName, JSON.stringify(document));
  }

  /** `document` is JSON text. Throws ResourceAlreadyExistsException, MalformedPolicyException. */
  create(policyName: string, document: string): PolicyRecord {
    const parsed = tryParseJson(document);
    if (parsed === undefined) throw malformed('The policy document is not JSON');
    requireDocument(parsed);
    if (this.store.policies.has(policyName)) {
      throw new AwsError('ResourceAlreadyExistsException', `Policy ${policyName} already exists`, 409);
    }
    return this.#write(policyName, document);
  }

  /** Throws ResourceNotFoundException. */
  get(policyName: string): PolicyRecord {
    return found(this.store.policies, policyName, 'Policy');
  }

  /** Nothing happens when there is none. Throws DeleteConflictException while it is attached. */
  remove(policyName: string): void {
    const certificates = [...this.store.certificates.values()];
    if (certificates.some(({ policyNames }) => policyNames.includes(policyName))) {
      const message = `Policy ${policyName} is attached to a certificate`;
      throw new AwsError('DeleteConflictException', message, 409);
    }
    if (this.store.policies.delete(policyName)) this.store.save();
  }

  /** The statements of every policy that is attached to a certificate. */
  statementsFor(certificateId: string): PolicyStatement[] {
    const { policies, certificates } = this.store;
    return (certificates.get(certificateId)?.policyNames ?? []).flatMap((name) => {
      const record = policies.get(name);
      return record === undefined ? [] : statementsOf(JSON.parse(record.document) as PolicyDocument);
    });
  }

  #write(policyName: string, document: string): PolicyRecord {
    requireName(policyName, POLICY_NAME, 'Policy name');
    const now = Date.now();
    const before = this.store.policies.get(policyName);
    const record = {
      policyName,
      document,
      version: (before?.version ?? 0) + 1,
      createdAt: before?.createdAt ?? now,
      modifiedAt: now,
    };
    this.store.policies.set(policyName, record);
    this.store.save();
    return record;
  }
}

function requireDocument(document: unknown): void {
  const { error } = documentSchema.safeParse(document);
  if (error !== undefined) throw malformed(`Policy document: ${firstProblem(error, 'the document')}`);
}

function malformed(message: string): AwsError {
  return new AwsError('MalformedPolicyException', message);
}

const createPolicySchema = z.strictObject({ policyDocument: z.string() });
const targetSchema = z.strictObject({ target: z.string() });

/** IoT policies and the certificates that they are attached to. */
export function policyRoutes(policies: Policies, certificates: Certificates, arns: IotArns): RestRoute[] {
  const route = routesOf('iot');
  const nameOf = (call: RestCall): string => call.param('policyName');
  const policy = (call: RestCall): string => arns.of('policy', nameOf(call));
  const target = (call: RestCall): string => readJsonBody(call.body, targetSchema).target;
  const path = '/policies/{policyName}';

  return [
    route('CreatePolicy', `POST ${path}`, policy, (call) => {
      const { policyDocument } = readJsonBody(call.body, createPolicySchema);
      const { policyName, version } = policies.create(nameOf(call), policyDocument);
      return { policyName, policyArn: policy(call), policyDocument, policyVersionId: String(version) };
    }),
    route('GetPolicy', `GET ${path}`, policy, (call) => {
      const record = policies.get(nameOf(call));
      return {
        policyName: record.policyName,
        policyArn: policy(call),
        policyDocument: record.document,
        defaultVersionId: String(record.version),
        creationDate: record.createdAt / 1000,
        lastModifiedDate: record.modifiedAt / 1000,
      };
    }),
    route('DeletePolicy', `DELETE ${path}`, policy, (call) =>
      policies.remove(policies.get(nameOf(call)).policyName),
    ),
    route('AttachPolicy', 'PUT /target-policies/{policyName}', target, (call) =>
      certificates.attachPolicy(arns.certificateId(target(call)), nameOf(call)),
    ),
    route('DetachPolicy', 'POST /target-policies/{policyName}', target, (call) =>
      certificates.detachPolicy(arns.certificateId(target(call)), nameOf(call)),
    ),
    route('ListTargetsForPolicy', 'POST /policy-targets/{policyName}', policy, (call) => {
      const { policyName } = policies.get(nameOf(call));
      const holders = certificates.list().filter(({ policyNames }) => policyNames.includes(policyName));
      const targets = holders.map(({ certificateId }) => arns.of('cert', certificateId));
      const page = pageOf(targets, call.query, { token: 'marker', size: 'pageSize' });
      return { targets: page.items, nextMarker: page.next };
    }),
    route('ListAttachedPolicies', 'POST /attached-policies/{target}', ANY_RESOURCE, (call) => {
      const { policyNames } = certificates.describe(arns.certificateId(call.param('target')));
      return {
        policies: policyNames.map((policyName) => ({ policyName, policyArn: arns.of('policy', policyName) })),
      };
    }),
  ];
}
