import { S3Error } from './errors';

const LINE_END = '\r\n';

/**
 * Undoes the transfer coding `aws-chunked` without chunk signatures: `<hex length>\r\n<bytes>\r\n`,
 * repeated, a chunk of length 0, then trailers. Throws IncompleteBody.
 * Source: Amazon S3 API Reference, "Signature Calculations: Transferring Payload in Multiple Chunks".
 */
export function decodeAwsChunked(body: Buffer): { content: Buffer; trailers: Map<string, string> } {
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
