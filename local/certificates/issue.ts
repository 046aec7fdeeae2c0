export * from '../../operator/certificates/issue';
