import fc from 'fast-check';
import {
  claimKey,
  emptyDefinition,
  functionKey,
  type GroupDefinition,
  type StoredUpdate,
} from '../../protocol';
import { certificateOf, manifestOf, storedUpdate } from '../handlers/fixtures';

/** Few names and numbers, so that updates meet in the same registers and even with the same rank. */
const device = fc.constantFrom('camera-1', 'camera-2', 'line:3');
const functionName = fc.constantFrom('detect', 'compress');
const version = fc.constantFrom('1.0.0', '1.0.1', '2.0.0-beta.1');
const seq = fc.integer({ min: 0, max: 4 });
const tombstone = fc.boolean();

const claim = fc.record({ device, functionName, version, seq, released: tombstone });
const member = fc.record({
  device,
  certificate: fc.constantFrom('a', 'b'),
  source: fc.constantFrom('operator' as const, 'core' as const),
  seq,
  revoked: tombstone,
});
const fixed = fc.record({ functionName, version, seq, removed: tombstone });
const entitlement = fc.record({ functionName, devices: fc.subarray(['*', 'camera-?']), seq });
const rollback = fc.record({
  functionName,
  version: fc.constantFrom('1.0.1', '2.0.0-beta.1', ...Array.from({ length: 10 }, (_, n) => `3.0.${n}`)),
  fallback: fc.option(fc.constantFrom('1.0.0', '1.0.1'), { nil: undefined }),
  claims: seq,
  static: seq,
  seq,
});
const limits = fc.record({ storage: fc.constantFrom(100, 200), seq });
const engine = fc.record({ delivery: fc.constantFrom('hot' as const, 'components' as const), seq });
const logs = fc.record({ level: fc.constantFrom('debug' as const, 'off' as const), seq });
const core = fc.record({ thingName: fc.constantFrom('core-1', 'core-2'), seq });

export const anyUpdate: fc.Arbitrary<StoredUpdate> = fc
  .record({
    requestId: fc.uuid(),
    claims: fc.array(claim, { maxLength: 4 }),
    devices: fc.array(member, { maxLength: 3 }),
    statics: fc.array(fixed, { maxLength: 2 }),
    entitlements: fc.array(entitlement, { maxLength: 2 }),
    rollbacks: fc.option(fc.array(rollback, { maxLength: 6 }), { nil: undefined }),
    limits: fc.option(limits, { nil: undefined }),
    engine: fc.option(engine, { nil: undefined }),
    logs: fc.option(logs, { nil: undefined }),
    core: fc.option(core, { nil: undefined }),
  })
  .map((parts) =>
    storedUpdate(parts.requestId, {
      claims: Object.fromEntries(
        parts.claims.map((one) => [
          claimKey(one.device, one.functionName),
          { version: one.version, seq: one.seq, ...(one.released && { released: true as const }) },
        ]),
      ),
      devices: Object.fromEntries(
        parts.devices.map((one) => [
          one.device,
          {
            certificateId: certificateOf(one.device + one.certificate),
            source: one.source,
            seq: one.seq,
            ...(one.revoked && { revoked: true as const }),
          },
        ]),
      ),
      statics: Object.fromEntries(
        parts.statics.map((one) => [
          one.functionName,
          { version: one.version, seq: one.seq, ...(one.removed && { removed: true as const }) },
        ]),
      ),
      entitlements: Object.fromEntries(
        parts.entitlements.map((one) => [one.functionName, { devices: one.devices, seq: one.seq }]),
      ),
      // As handleDeploymentRequest does: the manifest of every version that a live entry names.
      functions: Object.fromEntries(
        [
          ...parts.claims.filter((one) => !one.released),
          ...parts.statics.filter((one) => !one.removed),
          ...(parts.rollbacks ?? []).flatMap(({ functionName, fallback }) =>
            fallback === undefined ? [] : [{ functionName, version: fallback }],
          ),
        ].map((one) => [
          functionKey(one.functionName, one.version),
          manifestOf(one.functionName, one.version),
        ]),
      ),
      ...(parts.rollbacks && {
        rollbacks: Object.fromEntries(
          parts.rollbacks.map((one) => [
            functionKey(one.functionName, one.version),
            {
              error: { code: 'FUNCTION_INIT_FAILED' as const, message: 'thrown' },
              ...(one.fallback !== undefined && { fallback: one.fallback }),
              upTo: { claims: one.claims, static: one.static },
              seq: one.seq,
            },
          ]),
        ),
      }),
      ...(parts.limits && {
        limits: { storage: parts.limits.storage, memory: 1, instances: 1, seq: parts.limits.seq },
      }),
      ...(parts.engine && { engine: parts.engine }),
      ...(parts.logs && { logs: parts.logs }),
      ...(parts.core && {
        core: { thingName: parts.core.thingName, certificateId: certificateOf('core'), seq: parts.core.seq },
      }),
    }),
  );

export const empty: GroupDefinition = emptyDefinition('plant');
