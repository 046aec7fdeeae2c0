import { z } from 'zod';
import { pageOf, readJsonBody } from '../../../base/rest/input';
import type { RestCall, RestRoute } from '../../../base/rest/service';
import type { IotContext } from '../types';

const createPolicySchema = z.strictObject({ policyDocument: z.string() });
const targetSchema = z.strictObject({ target: z.string() });

/** IoT policies and the certificates that they are attached to. */
export function policyRoutes({ registry, arns }: IotContext): RestRoute[] {
  const { policies, certificates } = registry;
  const nameOf = (call: RestCall): string => call.params.policyName ?? '';
  const onPolicy =
    (action: string) =>
    (call: RestCall): { action: string; resource: string }[] => [
      { action: `iot:${action}`, resource: arns.of('policy', nameOf(call)) },
    ];
  const targetOf = (call: RestCall): string => readJsonBody(call.body, targetSchema).target;
  const onTarget =
    (action: string) =>
    (call: RestCall): { action: string; resource: string }[] => [
      { action: `iot:${action}`, resource: targetOf(call) },
    ];

  return [
    {
      operation: 'CreatePolicy',
      method: 'POST',
      path: '/policies/{policyName}',
      permissions: onPolicy('CreatePolicy'),
      handle(call) {
        const { policyDocument } = readJsonBody(call.body, createPolicySchema);
        const { policyName, version } = policies.create(nameOf(call), policyDocument);
        const policyArn = arns.of('policy', policyName);
        return { policyName, policyArn, policyDocument, policyVersionId: String(version) };
      },
    },
    {
      operation: 'GetPolicy',
      method: 'GET',
      path: '/policies/{policyName}',
      permissions: onPolicy('GetPolicy'),
      handle(call) {
        const record = policies.get(nameOf(call));
        return {
          policyName: record.policyName,
          policyArn: arns.of('policy', record.policyName),
          policyDocument: record.document,
          defaultVersionId: String(record.version),
          creationDate: record.createdAt / 1000,
          lastModifiedDate: record.modifiedAt / 1000,
        };
      },
    },
    {
      operation: 'DeletePolicy',
      method: 'DELETE',
      path: '/policies/{policyName}',
      permissions: onPolicy('DeletePolicy'),
      handle(call) {
        policies.get(nameOf(call));
        policies.remove(nameOf(call));
      },
    },
    {
      operation: 'AttachPolicy',
      method: 'PUT',
      path: '/target-policies/{policyName}',
      permissions: onTarget('AttachPolicy'),
      handle: (call) => certificates.attachPolicy(arns.certificateId(targetOf(call)), nameOf(call)),
    },
    {
      operation: 'DetachPolicy',
      method: 'POST',
      path: '/target-policies/{policyName}',
      permissions: onTarget('DetachPolicy'),
      handle: (call) => certificates.detachPolicy(arns.certificateId(targetOf(call)), nameOf(call)),
    },
    {
      operation: 'ListTargetsForPolicy',
      method: 'POST',
      path: '/policy-targets/{policyName}',
      permissions: onPolicy('ListTargetsForPolicy'),
      handle(call) {
        const { policyName } = policies.get(nameOf(call));
        const holders = certificates.list().filter(({ policyNames }) => policyNames.includes(policyName));
        const arnsOfHolders = holders.map(({ certificateId }) => arns.of('cert', certificateId));
        const page = pageOf(arnsOfHolders, call.query, { token: 'marker', size: 'pageSize' });
        return { targets: page.items, nextMarker: page.next };
      },
    },
    {
      operation: 'ListAttachedPolicies',
      method: 'POST',
      path: '/attached-policies/{target}',
      permissions: () => [{ action: 'iot:ListAttachedPolicies', resource: '*' }],
      handle(call) {
        const { policyNames } = certificates.describe(arns.certificateId(call.params.target ?? ''));
        const all = policyNames.map((policyName) => ({
          policyName,
          policyArn: arns.of('policy', policyName),
        }));
        return { policies: all };
      },
    },
  ];
}
