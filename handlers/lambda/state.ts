import { S3Client } from '@aws-sdk/client-s3';
import { jitteredBackoff } from '../stores/backoff';
import { S3Documents } from '../stores/s3Documents';
import { environment } from './environment';

/** Once per process: the SDK keeps its connections alive. */
export const s3 = new S3Client({
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
});

export const stateDocuments = new S3Documents(s3, environment('EDGE_STATE_BUCKET'), jitteredBackoff);
