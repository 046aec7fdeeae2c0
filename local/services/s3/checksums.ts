import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ChecksumAlgorithm } from './types';

const COMPUTE: Record<ChecksumAlgorithm, (content: Buffer) => Buffer> = {
  crc32: (content) => bigEndian(crc32(content)),
  crc32c: (content) => bigEndian(crc32c(content)),
  sha1: (content) => createHash('sha1').update(content).digest(),
  sha256: (content) => createHash('sha256').update(content).digest(),
};

export function isSupportedChecksum(name: string): name is ChecksumAlgorithm {
  return Object.hasOwn(COMPUTE, name);
}

/** Base64. */
export function checksumOf(algorithm: ChecksumAlgorithm, content: Buffer): string {
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
