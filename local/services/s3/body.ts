import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { notImplemented, S3Error } from './errors';
import type { Checksum, ChecksumAlgorithm } from './model';
import type { S3Request } from './operation';

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

const COMPUTE: Record<ChecksumAlgorithm, (content: Buffer) => Buffer> = {
  crc32: (content) => bigEndian(crc32(content)),
  crc32c: (content) => bigEndian(crc32c(content)),
  sha1: (content) => createHash('sha1').update(content).digest(),
  sha256: (content) => createHash('sha256').update(content).digest(),
};

function isSupportedChecksum(name: string): name is ChecksumAlgorithm {
  return Object.hasOwn(COMPUTE, name);
}

/** Base64. */
function checksumOf(algorithm: ChecksumAlgorithm, content: Buffer): string {
  return COMPUTE[algorithm](content).toString('base64');
}

/** Castagnoli's polynomial, reflected. Node has only the one of zip. */
const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

function crc32c(content: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of content) crc = (CRC32C_TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const LINE_END = '\r\n';

/**
 * Undoes the transfer coding `aws-chunked` without chunk signatures: `<hex length>\r\n<bytes>\r\n`,
 * repeated, a chunk of length 0, then trailers. Throws IncompleteBody.
 * Source: Amazon S3 API Reference, "Signature Calculations: Transferring Payload in Multiple Chunks".
 */
function decodeAwsChunked(body: Buffer): { content: Buffer; trailers: Map<string, string> } {
  const chunks: Buffer[] = [];
  let at = 0;
  const line = (): string => {
    const end = body.indexOf(LINE_END, at);
    if (end < 0) throw new S3Error('IncompleteBody');
    const text = body.toString('utf8', at, end);
    at = end + LINE_END.length;
    return text;
  };
  for (;;) {
    const length = chunkLength(line());
    if (length === 0) break;
    chunks.push(body.subarray(at, at + length));
    at += length;
    if (at > body.length || line() !== '') throw new S3Error('IncompleteBody');
  }
  const trailers = new Map<string, string>();
  while (at < body.length) {
    const text = line();
    if (text === '') break;
    const colon = text.indexOf(':');
    if (colon < 0) throw new S3Error('IncompleteBody');
    trailers.set(text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim());
  }
  return { content: Buffer.concat(chunks), trailers };
}

function chunkLength(line: string): number {
  const digits = line.split(';', 1)[0] ?? '';
  if (!/^[0-9a-fA-F]{1,8}$/.test(digits)) throw new S3Error('IncompleteBody');
  return Number.parseInt(digits, 16);
}
