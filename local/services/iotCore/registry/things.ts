import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { AwsError } from '../../../base/context';
import { found, requireName, type RegistryStore, type ThingRecord } from './store';

export interface Things {
  /** Repeating it with the same attributes is no error. Throws ResourceAlreadyExistsException, InvalidRequestException. */
  create(thingName: string, attributes?: Record<string, string>): ThingRecord;
  /** Throws ResourceNotFoundException. */
  describe(thingName: string): ThingRecord;
  has(thingName: string): boolean;
  list(): ThingRecord[];
  /** Nothing happens when there is none. Throws InvalidRequestException while certificates are attached. */
  remove(thingName: string): void;
  /** Throws ResourceNotFoundException for the thing or the certificate. */
  attach(thingName: string, certificateId: string): void;
  detach(thingName: string, certificateId: string): void;
  isAttached(thingName: string, certificateId: string): boolean;
  /** Names of the things that a certificate is attached to. */
  ofCertificate(certificateId: string): string[];
}

const THING_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;

export function createThings(store: RegistryStore): Things {
  const { things, certificates } = store;
  const attached = (thing: ThingRecord | undefined, certificateId: string): boolean =>
    thing?.certificateIds.includes(certificateId) ?? false;

  return {
    create(thingName, attributes = {}) {
      requireName(thingName, THING_NAME, 'Thing name');
      const existing = things.get(thingName);
      if (existing !== undefined) return sameOrConflict(existing, attributes);
      const thing = { thingName, thingId: randomUUID(), attributes, certificateIds: [] };
      things.set(thingName, thing);
      store.save();
      return thing;
    },
    describe: (thingName) => found(things, thingName, 'Thing'),
    has: (thingName) => things.has(thingName),
    list: () => [...things.values()],
    remove(thingName) {
      if ((things.get(thingName)?.certificateIds.length ?? 0) > 0) {
        throw new AwsError(
          'InvalidRequestException',
          `Cannot delete. Thing ${thingName} is still attached to one or more principals`,
        );
      }
      if (things.delete(thingName)) store.save();
    },
    attach(thingName, certificateId) {
      const thing = found(things, thingName, 'Thing');
      found(certificates, certificateId, 'Certificate');
      if (attached(thing, certificateId)) return;
      thing.certificateIds.push(certificateId);
      store.save();
    },
    detach(thingName, certificateId) {
      const thing = found(things, thingName, 'Thing');
      thing.certificateIds = thing.certificateIds.filter((id) => id !== certificateId);
      store.save();
    },
    isAttached: (thingName, certificateId) => attached(things.get(thingName), certificateId),
    ofCertificate: (certificateId) =>
      [...things.values()]
        .filter((thing) => attached(thing, certificateId))
        .map(({ thingName }) => thingName),
  };
}

function sameOrConflict(existing: ThingRecord, attributes: Record<string, string>): ThingRecord {
  if (isDeepStrictEqual(existing.attributes, attributes)) return existing;
  throw new AwsError(
    'ResourceAlreadyExistsException',
    `Thing ${existing.thingName} already exists in account with different attributes`,
    409,
  );
}
