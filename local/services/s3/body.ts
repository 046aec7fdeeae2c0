import { createHash } from 'node:crypto';
import { decodeAwsChunked } from './awsChunked';
import { checksumOf, isSupportedChecksum } from './checksums';
import { notImplemented, S3Error } from './errors';
import type { Checksum, S3Request } from './types';

const CHECKSUM_PREFIX = 'x-amz-checksum-';
/** Headers of that form that are no checksum. */
const NO_CHECKSUM = new Set(['x-amz-checksum-mode', 'x-amz-checksum-type', 'x-amz-checksum-algorithm']);

/** The content that a request carries, its transfer coding undone and every checksum verified. */
export interface VerifiedBody {
  content: Buffer;
  md5: Buffer;
  checksum?: Checksum;
  /** Whether the client gave a checksum of any kind. */
  verified: boolean;
}

/** Throws IncompleteBody, BadDigest, InvalidDigest, InvalidRequest, NotImplemented. */
export function verifiedBody(request: S3Request): VerifiedBody {
  const { content, trailers } = contentOf(request);
  const md5 = createHash('md5').update(content).digest();
  const hasMd5 = verifyMd5(request.headers.get('content-md5'), md5);
  const checksum = verifyChecksum(request, trailers, content);
  return {
    content,
    md5,
    verified: hasMd5 || checksum !== undefined,
    ...(checksum === undefined ? {} : { checksum }),
  };
}

function contentOf({ headers, body }: S3Request): { content: Buffer; trailers: Map<string, string> } {
  const streamed = headers.get('x-amz-content-sha256')?.startsWith('STREAMING-') ?? false;
  if (!streamed) return { content: body, trailers: new Map() };
  const decoded = decodeAwsChunked(body);
  const declared = headers.get('x-amz-decoded-content-length');
  if (declared !== undefined && Number(declared) !== decoded.content.length) {
    throw new S3Error('IncompleteBody');
  }
  return decoded;
}

function verifyMd5(given: string | undefined, md5: Buffer): boolean {
  if (given === undefined) return false;
  const expected = Buffer.from(given, 'base64');
  if (expected.length !== md5.length) throw new S3Error('InvalidDigest');
  if (!expected.equals(md5)) throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match.');
  return true;
}

function verifyChecksum(
  { headers }: S3Request,
  trailers: ReadonlyMap<string, string>,
  content: Buffer,
): Checksum | undefined {
  const given = [...headers, ...trailers].filter(
    ([name]) => name.startsWith(CHECKSUM_PREFIX) && !NO_CHECKSUM.has(name),
  );
  if (given.length > 1) throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header.');
  const announced = headers.get('x-amz-trailer');
  if (announced !== undefined && !trailers.has(announced.toLowerCase())) {
    throw new S3Error('IncompleteBody', `The trailer ${announced} is missing.`);
  }
  const [first] = given;
  if (first === undefined) {
    if (!headers.has('x-amz-sdk-checksum-algorithm')) return undefined;
    throw new S3Error('InvalidRequest', 'x-amz-sdk-checksum-algorithm specified, but no checksum was found.');
  }
  const [name, value] = first;
  const algorithm = name.slice(CHECKSUM_PREFIX.length);
  if (!isSupportedChecksum(algorithm)) throw notImplemented(`checksum algorithm ${algorithm}`);
  if (checksumOf(algorithm, content) !== value) {
    throw new S3Error(
      'BadDigest',
      `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    );
  }
  return { algorithm, value };
}
