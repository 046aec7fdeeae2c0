export { loadOrCreateAuthority, type CertificateAuthority } from './authority';
export { certificateIdOf } from './certificateId';
export type { IssuedCertificate, Validity } from './issue';
