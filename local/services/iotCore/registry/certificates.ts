import { X509Certificate } from 'node:crypto';
import { AwsError } from '../../../base/context';
import { certificateIdOf } from '../../../../lib/x509/certificateId';
import {
  CERTIFICATE_STATUSES,
  found,
  type CertificateRecord,
  type CertificateStatus,
  type RegistryStore,
} from './store';

export interface Certificates {
  /**
   * Registers a certificate whoever signed it, as RegisterCertificateWithoutCA does. Throws
   * CertificateValidationException, ResourceAlreadyExistsException.
   */
  register(certificatePem: string, status?: CertificateStatus): CertificateRecord;
  /** Throws ResourceNotFoundException. */
  describe(certificateId: string): CertificateRecord;
  list(): CertificateRecord[];
  /** Also that it is within its validity. */
  isActive(certificateId: string): boolean;
  /** Throws ResourceNotFoundException, InvalidRequestException for an unknown status. */
  update(certificateId: string, status: string): void;
  /** Throws CertificateStateException while it is active, DeleteConflictException while something is attached. */
  remove(certificateId: string, force?: boolean): void;
  /** Throws ResourceNotFoundException for the policy or the certificate. */
  attachPolicy(certificateId: string, policyName: string): void;
  detachPolicy(certificateId: string, policyName: string): void;
  /** Called with the id of a certificate that stopped being active. */
  onDeactivated(listener: (certificateId: string) => void): void;
}

export function createCertificates(store: RegistryStore): Certificates {
  const { certificates, policies, things } = store;
  const listeners: ((certificateId: string) => void)[] = [];
  const describe = (id: string): CertificateRecord => found(certificates, id, 'Certificate');

  return {
    register(certificatePem, status = 'INACTIVE') {
      const certificateId = idOfValid(certificatePem);
      requireStatus(status);
      if (certificates.has(certificateId)) {
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
      certificates.set(certificateId, record);
      store.save();
      return record;
    },
    describe,
    list: () => [...certificates.values()],
    isActive(certificateId) {
      const record = certificates.get(certificateId);
      return record?.status === 'ACTIVE' && isValidNow(record.certificatePem);
    },
    update(certificateId, status) {
      const record = describe(certificateId);
      requireStatus(status);
      Object.assign(record, { status, modifiedAt: Date.now() });
      store.save();
      if (status !== 'ACTIVE') for (const listener of listeners) listener(certificateId);
    },
    remove(certificateId, force = false) {
      const record = describe(certificateId);
      requireRemovable(record, force);
      if ([...things.values()].some(({ certificateIds }) => certificateIds.includes(certificateId))) {
        throw new AwsError('DeleteConflictException', 'Things must be detached before deletion', 409);
      }
      certificates.delete(certificateId);
      store.save();
    },
    attachPolicy(certificateId, policyName) {
      const record = describe(certificateId);
      found(policies, policyName, 'Policy');
      if (record.policyNames.includes(policyName)) return;
      record.policyNames.push(policyName);
      store.save();
    },
    detachPolicy(certificateId, policyName) {
      const record = describe(certificateId);
      record.policyNames = record.policyNames.filter((name) => name !== policyName);
      store.save();
    },
    onDeactivated: (listener) => void listeners.push(listener),
  };
}

function requireRemovable(record: CertificateRecord, force: boolean): void {
  if (record.status === 'ACTIVE') {
    throw new AwsError(
      'CertificateStateException',
      'Certificate must be deactivated (not ACTIVE) before deletion',
      406,
    );
  }
  if (record.policyNames.length > 0 && !force) {
    throw new AwsError(
      'DeleteConflictException',
      'Certificate policies must be detached before deletion',
      409,
    );
  }
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
