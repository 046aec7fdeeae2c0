export { loadOrCreateAuthority, type CertificateAuthority } from './authority';
export { certificateIdOf } from '../../protocol/certificateId';
export type { IssuedCertificate, Validity } from './issue';
