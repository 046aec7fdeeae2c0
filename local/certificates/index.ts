export * from '../../operator/certificates';
