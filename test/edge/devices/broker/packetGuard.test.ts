import fc from 'fast-check';
import { MAX_PACKET_BYTES, PacketGuard } from '../../../../edge/devices/broker/packetGuard';

function packet(type: number, body: Buffer): Buffer {
  const header = [type << 4];
  let rest = body.length;
  do {
    header.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from(header), body]);
}

function inChunks(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, n) => bytes.subarray(from, at[n] ?? bytes.length));
}

const body = fc.oneof(
  { weight: 5, arbitrary: fc.nat(300) },
  { weight: 1, arbitrary: fc.integer({ min: MAX_PACKET_BYTES - 2, max: MAX_PACKET_BYTES + 5_000 }) },
);

test('any packets in any chunks: all pass, oversized ones shortened', () => {
  fc.assert(
    fc.property(fc.array(body, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 12 }), (sizes, cuts) => {
      const bodies = sizes.map((size, n) => Buffer.alloc(size, n + 1));
      const sent = Buffer.concat(bodies.map((b) => packet(3, b)));
      const expected = Buffer.concat(bodies.map((b) => packet(3, b.subarray(0, MAX_PACKET_BYTES))));
      const guard = new PacketGuard();
      const passed = Buffer.concat(inChunks(sent, cuts).map((chunk) => guard.filter(chunk)));
      expect(passed.equals(expected)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('a chunk without anything oversized is passed as it is', () => {
  const chunk = packet(3, Buffer.alloc(500));
  expect(new PacketGuard().filter(chunk)).toBe(chunk);
});

test('any other packet over the limit, and a malformed length, are refused', () => {
  expect(() => new PacketGuard().filter(packet(8, Buffer.alloc(MAX_PACKET_BYTES + 1)))).toThrow('too large');
  expect(() => new PacketGuard().filter(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1]))).toThrow('malformed');
});
