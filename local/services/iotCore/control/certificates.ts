import { createPublicKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { RestCall, RestRoute } from '../../../base/rest/service';
import { readJsonBody } from '../../../base/rest/input';
import { CERTIFICATE_STATUSES, type CertificateRecord } from '../registry/store';
import type { IotContext } from '../types';

const registerSchema = z.strictObject({
  certificatePem: z.string(),
  status: z.enum(CERTIFICATE_STATUSES).optional(),
});

/** Certificates: made here, or registered whoever signed them. */
export function certificateRoutes({ registry, arns, authority }: IotContext): RestRoute[] {
  const { certificates } = registry;
  const idOf = (call: RestCall): string => call.params.certificateId ?? '';
  const onCertificate =
    (action: string) =>
    (call: RestCall): { action: string; resource: string }[] => [
      { action: `iot:${action}`, resource: arns.of('cert', idOf(call)) },
    ];
  const onAny = (action: string) => () => [{ action: `iot:${action}`, resource: '*' }];

  return [
    {
      operation: 'CreateKeysAndCertificate',
      method: 'POST',
      path: '/keys-and-certificate',
      permissions: onAny('CreateKeysAndCertificate'),
      async handle(call) {
        const { certificatePem, privateKeyPem } = await authority.issueClient({
          commonName: 'AWS IoT Certificate',
        });
        const active = call.query.get('setAsActive') === 'true';
        const { certificateId } = certificates.register(certificatePem, active ? 'ACTIVE' : 'INACTIVE');
        const PublicKey = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' });
        const certificateArn = arns.of('cert', certificateId);
        const keyPair = { PublicKey, PrivateKey: privateKeyPem };
        return { certificateArn, certificateId, certificatePem, keyPair };
      },
    },
    {
      operation: 'RegisterCertificateWithoutCA',
      method: 'POST',
      path: '/certificate/register-no-ca',
      permissions: onAny('RegisterCertificateWithoutCA'),
      handle(call) {
        const { certificatePem, status } = readJsonBody(call.body, registerSchema);
        const { certificateId } = certificates.register(certificatePem, status);
        return { certificateArn: arns.of('cert', certificateId), certificateId };
      },
    },
    {
      operation: 'DescribeCertificate',
      method: 'GET',
      path: '/certificates/{certificateId}',
      permissions: onCertificate('DescribeCertificate'),
      handle(call) {
        const record = certificates.describe(idOf(call));
        return { certificateDescription: describe(record, arns.of('cert', record.certificateId)) };
      },
    },
    {
      operation: 'UpdateCertificate',
      method: 'PUT',
      path: '/certificates/{certificateId}',
      permissions: onCertificate('UpdateCertificate'),
      handle: (call) => certificates.update(idOf(call), call.query.get('newStatus') ?? ''),
    },
    {
      operation: 'DeleteCertificate',
      method: 'DELETE',
      path: '/certificates/{certificateId}',
      permissions: onCertificate('DeleteCertificate'),
      handle: (call) => certificates.remove(idOf(call), call.query.get('forceDelete') === 'true'),
    },
  ];
}

/** Times go over the wire as seconds since the epoch. */
function describe(record: CertificateRecord, certificateArn: string): Record<string, unknown> {
  const { validFrom, validTo } = new X509Certificate(record.certificatePem);
  return {
    certificateArn,
    certificateId: record.certificateId,
    certificatePem: record.certificatePem,
    status: record.status,
    certificateMode: 'SNI_ONLY',
    creationDate: record.createdAt / 1000,
    lastModifiedDate: record.modifiedAt / 1000,
    validity: { notBefore: Date.parse(validFrom) / 1000, notAfter: Date.parse(validTo) / 1000 },
  };
}
