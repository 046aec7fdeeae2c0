import { Admission, type PresentedCertificate } from '../../../edge/devices/admission';
import { EdgeError, emptyDefinition, type GroupDefinition } from '../../../protocol';
import { ManualClock } from '../support/manualClock';
import { certificateIdOf } from '../support/memoryCloud';

const DAY = 86_400_000;

function create(devices: GroupDefinition['devices'] = {}) {
  const clock = new ManualClock();
  const known = new Map([[certificateIdOf('rover-1'), 'rover-1']]);
  const lookups: string[] = [];
  const state = { definition: { ...emptyDefinition('plant'), devices }, unreachable: false };
  const admission = new Admission({
    clock,
    definition: () => state.definition,
    limits: { lookups: 2 },
    cloud: {
      async device(certificateId) {
        lookups.push(certificateId);
        if (state.unreachable) throw new EdgeError('CLOUD_ERROR');
        const thingName = known.get(certificateId);
        if (thingName === undefined) throw new EdgeError('UNKNOWN_DEVICE');
        return { thingName, certificateId };
      },
    },
  });
  const certificate = (name: string, more: Partial<PresentedCertificate> = {}): PresentedCertificate => ({
    id: certificateIdOf(name),
    validFrom: clock.now() - DAY,
    validTo: clock.now() + DAY,
    ...more,
  });
  return { admission, clock, known, lookups, state, certificate };
}

const camera = { certificateId: certificateIdOf('camera-1'), source: 'operator' as const, seq: 1 };

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'admitted',
    (error: unknown) => EdgeError.from(error).code,
  );
}

test('a device of the definition needs no look-up', async () => {
  const { admission, certificate, lookups } = create({ 'camera-1': camera });
  await expect(admission.identify(certificate('camera-1'))).resolves.toBe('camera-1');
  expect(lookups).toEqual([]);
});

test('revoked, expired and not yet valid certificates are refused', async () => {
  const { admission, certificate, clock } = create({ 'camera-1': { ...camera, revoked: true } });
  expect(await codeOf(admission.identify(certificate('camera-1')))).toBe('DEVICE_REVOKED');
  const expired = certificate('camera-1', { validTo: clock.now() - 1 });
  expect(await codeOf(admission.identify(expired))).toBe('UNKNOWN_DEVICE');
  const early = certificate('camera-1', { validFrom: clock.now() + 1 });
  expect(await codeOf(admission.identify(early))).toBe('UNKNOWN_DEVICE');
  const unreadable = certificate('camera-1', { validTo: Number.NaN });
  expect(await codeOf(admission.identify(unreadable))).toBe('UNKNOWN_DEVICE');
});

test('an unknown certificate is looked up once for all who present it, and remembered', async () => {
  const { admission, certificate, lookups } = create();
  const both = await Promise.all([
    admission.identify(certificate('rover-1')),
    admission.identify(certificate('rover-1')),
  ]);
  await admission.identify(certificate('rover-1'));
  expect(both).toEqual(['rover-1', 'rover-1']);
  expect(lookups).toHaveLength(1);
});

test('what the cloud does not know is remembered briefly', async () => {
  const { admission, certificate, lookups, clock, known } = create();
  expect(await codeOf(admission.identify(certificate('new-1')))).toBe('UNKNOWN_DEVICE');
  known.set(certificateIdOf('new-1'), 'new-1');
  expect(await codeOf(admission.identify(certificate('new-1')))).toBe('UNKNOWN_DEVICE');
  expect(lookups).toHaveLength(1);
  await clock.advance(5_000);
  expect(await codeOf(admission.identify(certificate('new-1')))).toBe('admitted');
});

test('a cloud that fails is asked again, and so many look-ups at a time', async () => {
  const { admission, certificate, state, lookups } = create();
  state.unreachable = true;
  const codes = await Promise.all(
    ['a', 'b', 'c'].map((name) => codeOf(admission.identify(certificate(name)))),
  );
  expect(codes).toEqual(['CLOUD_UNREACHABLE', 'CLOUD_UNREACHABLE', 'CLOUD_UNREACHABLE']);
  expect(lookups).toHaveLength(2);
  state.unreachable = false;
  expect(await codeOf(admission.identify(certificate('rover-1')))).toBe('admitted');
});

test('the operator’s word on a device stands above the cloud’s registry', async () => {
  const other = { certificateId: certificateIdOf('older'), seq: 1 };
  const byOperator = create({ 'rover-1': { ...other, source: 'operator' } });
  expect(await codeOf(byOperator.admission.identify(byOperator.certificate('rover-1')))).toBe(
    'UNKNOWN_DEVICE',
  );
  const revoked = create({ 'rover-1': { ...other, source: 'core', revoked: true } });
  expect(await codeOf(revoked.admission.identify(revoked.certificate('rover-1')))).toBe('DEVICE_REVOKED');
  const byCore = create({ 'rover-1': { ...other, source: 'core' } });
  expect(await codeOf(byCore.admission.identify(byCore.certificate('rover-1')))).toBe('admitted');
});

test('who is connected has to stay admitted', async () => {
  const { admission, certificate, state, clock } = create({ 'camera-1': camera });
  const presented = certificate('camera-1');
  expect(admission.refusalOf('camera-1', presented)).toBeUndefined();
  state.definition = { ...state.definition, devices: { 'camera-1': { ...camera, revoked: true } } };
  expect(admission.refusalOf('camera-1', presented)?.code).toBe('DEVICE_REVOKED');
  state.definition = {
    ...state.definition,
    devices: { 'camera-1': { ...camera, certificateId: certificateIdOf('newer') } },
  };
  expect(admission.refusalOf('camera-1', presented)?.code).toBe('UNKNOWN_DEVICE');
  state.definition = { ...state.definition, devices: { 'camera-1': camera } };
  await clock.advance(2 * DAY);
  expect(admission.refusalOf('camera-1', presented)?.code).toBe('UNKNOWN_DEVICE');
});
