import { createPublicKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { CertificateAuthority } from '../../../../lib/x509/authority';
import { certificateIdOf } from '../../../../lib/x509/certificateId';
import { AwsError } from '../../../base/context';
import { readJsonBody } from '../../../base/rest/input';
import { ANY_RESOURCE, routesOf, type RestCall, type RestRoute } from '../../../base/rest/service';
import type { IotArns } from '../arns';
import {
  CERTIFICATE_STATUSES,
  found,
  type CertificateRecord,
  type CertificateStatus,
  type RegistryStore,
} from './store';

/** Certificates, whoever signed them, and the policies that are attached to them. */
export class Certificates {
  readonly #listeners: ((certificateId: string) => void)[] = [];

  constructor(private readonly store: RegistryStore) {}

  /**
   * Registers a certificate whoever signed it, as RegisterCertificateWithoutCA does. Throws
   * CertificateValidationException, ResourceAlreadyExistsException.
   */
  register(certificatePem: string, status: CertificateStatus = 'INACTIVE'): CertificateRecord {
    const certificateId = idOfValid(certificatePem);
    if (this.store.certificates.has(certificateId)) {
      throw new AwsError('ResourceAlreadyExistsException', 'The certificate is already registered', 409);
    }
    const now = Date.now();
    const record = {
      certificateId,
      certificatePem,
      status,
      createdAt: now,
      modifiedAt: now,
      policyNames: [],
    };
    this.store.certificates.set(certificateId, record);
    this.store.save();
    return record;
  }

  /** Throws ResourceNotFoundException. */
  describe(certificateId: string): CertificateRecord {
    return found(this.store.certificates, certificateId, 'Certificate');
  }

  list(): CertificateRecord[] {
    return [...this.store.certificates.values()];
  }

  /** Also that it is within its validity. */
  isActive(certificateId: string): boolean {
    const record = this.store.certificates.get(certificateId);
    return record?.status === 'ACTIVE' && isValidNow(record.certificatePem);
  }

  /** Throws ResourceNotFoundException, InvalidRequestException for an unknown status. */
  update(certificateId: string, status: string): void {
    const record = this.describe(certificateId);
    requireStatus(status);
    Object.assign(record, { status, modifiedAt: Date.now() });
    this.store.save();
    if (status !== 'ACTIVE') for (const listener of this.#listeners) listener(certificateId);
  }

  /** Throws CertificateStateException while it is active, DeleteConflictException while something is attached. */
  remove(certificateId: string, force = false): void {
    const { status, policyNames } = this.describe(certificateId);
    if (status === 'ACTIVE') {
      const message = 'Certificate must be deactivated (not ACTIVE) before deletion';
      throw new AwsError('CertificateStateException', message, 406);
    }
    if (policyNames.length > 0 && !force) {
      throw attached('Certificate policies must be detached before deletion');
    }
    const things = [...this.store.things.values()];
    if (things.some(({ certificateIds }) => certificateIds.includes(certificateId))) {
      throw attached('Things must be detached before deletion');
    }
    this.store.certificates.delete(certificateId);
    this.store.save();
  }

  /** Throws ResourceNotFoundException for the policy or the certificate. */
  attachPolicy(certificateId: string, policyName: string): void {
    const { policyNames } = this.describe(certificateId);
    found(this.store.policies, policyName, 'Policy');
    if (policyNames.includes(policyName)) return;
    policyNames.push(policyName);
    this.store.save();
  }

  /** Throws ResourceNotFoundException for the certificate. */
  detachPolicy(certificateId: string, policyName: string): void {
    const record = this.describe(certificateId);
    record.policyNames = record.policyNames.filter((name) => name !== policyName);
    this.store.save();
  }

  /** Called with the id of a certificate that stopped being active. */
  onDeactivated(listener: (certificateId: string) => void): void {
    this.#listeners.push(listener);
  }
}

function attached(message: string): AwsError {
  return new AwsError('DeleteConflictException', message, 409);
}

function idOfValid(certificatePem: string): string {
  try {
    return certificateIdOf(certificatePem);
  } catch {
    throw new AwsError(
      'CertificateValidationException',
      'The certificate is not a PEM-encoded X.509 certificate',
    );
  }
}

function requireStatus(status: string): asserts status is CertificateStatus {
  if ((CERTIFICATE_STATUSES as readonly string[]).includes(status)) return;
  throw new AwsError(
    'InvalidRequestException',
    `Status '${status}' is not one of ${CERTIFICATE_STATUSES.join(', ')}; the local cloud knows no other`,
  );
}

function isValidNow(certificatePem: string): boolean {
  const { validFrom, validTo } = new X509Certificate(certificatePem);
  const now = Date.now();
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}

const registerSchema = z.strictObject({
  certificatePem: z.string(),
  status: z.enum(CERTIFICATE_STATUSES).optional(),
});

/** Certificates: made here by the authority, or registered whoever signed them. */
export function certificateRoutes(
  certificates: Certificates,
  authority: CertificateAuthority,
  arns: IotArns,
): RestRoute[] {
  const route = routesOf('iot');
  const idOf = (call: RestCall): string => call.param('certificateId');
  const certificate = (call: RestCall): string => arns.of('cert', idOf(call));
  const path = '/certificates/{certificateId}';

  return [
    route('CreateKeysAndCertificate', 'POST /keys-and-certificate', ANY_RESOURCE, async ({ query }) => {
      const { certificatePem, privateKeyPem } = await authority.issueClient({
        commonName: 'AWS IoT Certificate',
      });
      const active = query.get('setAsActive') === 'true';
      const { certificateId } = certificates.register(certificatePem, active ? 'ACTIVE' : 'INACTIVE');
      const PublicKey = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' });
      const keyPair = { PublicKey, PrivateKey: privateKeyPem };
      return { certificateArn: arns.of('cert', certificateId), certificateId, certificatePem, keyPair };
    }),
    route('RegisterCertificateWithoutCA', 'POST /certificate/register-no-ca', ANY_RESOURCE, ({ body }) => {
      const { certificatePem, status } = readJsonBody(body, registerSchema);
      const { certificateId } = certificates.register(certificatePem, status);
      return { certificateArn: arns.of('cert', certificateId), certificateId };
    }),
    route('DescribeCertificate', `GET ${path}`, certificate, (call) => ({
      certificateDescription: describe(certificates.describe(idOf(call)), certificate(call)),
    })),
    route('UpdateCertificate', `PUT ${path}`, certificate, (call) =>
      certificates.update(idOf(call), call.query.get('newStatus') ?? ''),
    ),
    route('DeleteCertificate', `DELETE ${path}`, certificate, (call) =>
      certificates.remove(idOf(call), call.query.get('forceDelete') === 'true'),
    ),
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
