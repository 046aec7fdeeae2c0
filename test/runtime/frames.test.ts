import fc from 'fast-check';
import { encodeFrame, FrameDecoder, FrameError } from '../../runtime/frames';

function decodeAll(chunks: Buffer[], maxBytes?: number): unknown[] {
  const decoder = new FrameDecoder(maxBytes);
  const messages: unknown[] = [];
  for (const chunk of chunks) decoder.push(chunk, (message) => messages.push(message));
  return messages;
}

function cut(bytes: Buffer, sizes: number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe('frames', () => {
  it('is a length in four bytes, big-endian, and then JSON', () => {
    expect(encodeFrame('{"a":"é"}')).toEqual(Buffer.from([0, 0, 0, 10, ...Buffer.from('{"a":"é"}')]));
  });

  it('gives every message back, however the bytes are cut', () => {
    const messages = fc.array(fc.jsonValue(), { maxLength: 8 });
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(messages, sizes, (sent, pieces) => {
        const texts = sent.map((message) => JSON.stringify(message));
        const bytes = Buffer.concat(texts.map(encodeFrame));
        expect(decodeAll(cut(bytes, pieces)).map((message) => JSON.stringify(message))).toEqual(texts);
      }),
    );
  });

  it('refuses a frame over the limit before its body has come', () => {
    const header = Buffer.from([0, 0, 1, 0]);
    expect(() => decodeAll([header], 255)).toThrow(FrameError);
    expect(decodeAll([header], 256)).toEqual([]);
  });

  it('refuses what is not JSON, but hands over what came before', () => {
    const messages: unknown[] = [];
    const bytes = Buffer.concat([encodeFrame('1'), encodeFrame('{'), encodeFrame('2')]);
    expect(() => new FrameDecoder().push(bytes, (message) => messages.push(message))).toThrow(FrameError);
    expect(messages).toEqual([1]);
    expect(() => decodeAll([Buffer.alloc(4)])).toThrow(FrameError);
  });
});
