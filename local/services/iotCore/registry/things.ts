import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { AwsError } from '../../../base/context';
import { pageOf, readJsonBody } from '../../../base/rest/input';
import { ANY_RESOURCE, routesOf, type RestCall, type RestRoute } from '../../../base/rest/service';
import type { IotArns } from '../arns';
import { found, requireName, type RegistryStore, type ThingRecord } from './store';

const THING_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;

/** Things and the certificates that are attached to them. */
export class Things {
  constructor(private readonly store: RegistryStore) {}

  /** Repeating it with the same attributes is no error. Throws ResourceAlreadyExistsException, InvalidRequestException. */
  create(thingName: string, attributes: Record<string, string> = {}): ThingRecord {
    requireName(thingName, THING_NAME, 'Thing name');
    const existing = this.store.things.get(thingName);
    if (existing !== undefined) {
      if (isDeepStrictEqual(existing.attributes, attributes)) return existing;
      throw new AwsError(
        'ResourceAlreadyExistsException',
        `Thing ${thingName} already exists in account with different attributes`,
        409,
      );
    }
    const thing = { thingName, thingId: randomUUID(), attributes, certificateIds: [] };
    this.store.things.set(thingName, thing);
    this.store.save();
    return thing;
  }

  /** Throws ResourceNotFoundException. */
  describe(thingName: string): ThingRecord {
    return found(this.store.things, thingName, 'Thing');
  }

  has(thingName: string): boolean {
    return this.store.things.has(thingName);
  }

  list(): ThingRecord[] {
    return [...this.store.things.values()];
  }

  /** Nothing happens when there is none. Throws InvalidRequestException while certificates are attached. */
  remove(thingName: string): void {
    if ((this.store.things.get(thingName)?.certificateIds.length ?? 0) > 0) {
      throw new AwsError(
        'InvalidRequestException',
        `Cannot delete. Thing ${thingName} is still attached to one or more principals`,
      );
    }
    if (this.store.things.delete(thingName)) this.store.save();
  }

  /** Throws ResourceNotFoundException for the thing or the certificate. */
  attach(thingName: string, certificateId: string): void {
    const { certificateIds } = this.describe(thingName);
    found(this.store.certificates, certificateId, 'Certificate');
    if (certificateIds.includes(certificateId)) return;
    certificateIds.push(certificateId);
    this.store.save();
  }

  /** Throws ResourceNotFoundException for the thing. */
  detach(thingName: string, certificateId: string): void {
    const thing = this.describe(thingName);
    thing.certificateIds = thing.certificateIds.filter((id) => id !== certificateId);
    this.store.save();
  }

  isAttached(thingName: string, certificateId: string): boolean {
    return this.store.things.get(thingName)?.certificateIds.includes(certificateId) ?? false;
  }

  /** Names of the things that a certificate is attached to. */
  ofCertificate(certificateId: string): string[] {
    return this.list()
      .filter(({ certificateIds }) => certificateIds.includes(certificateId))
      .map(({ thingName }) => thingName);
  }
}

const createThingSchema = z.strictObject({
  attributePayload: z
    .strictObject({ attributes: z.record(z.string(), z.string()).optional(), merge: z.boolean().optional() })
    .optional(),
});

/** Resource types as in the Service Authorization Reference. */
export function thingRoutes(things: Things, arns: IotArns): RestRoute[] {
  const route = routesOf('iot');
  const nameOf = (call: RestCall): string => call.param('thingName');
  const thing = (call: RestCall): string => arns.of('thing', nameOf(call));
  const certificateOf = (call: RestCall): string => arns.certificateId(principalOf(call));
  const summary = ({ thingName, attributes }: ThingRecord): Record<string, unknown> => ({
    thingName,
    thingArn: arns.of('thing', thingName),
    attributes,
    version: 1,
  });

  return [
    route('CreateThing', 'POST /things/{thingName}', thing, (call) => {
      const { attributePayload } = readJsonBody(call.body, createThingSchema);
      const { thingName, thingId } = things.create(nameOf(call), attributePayload?.attributes);
      return { thingName, thingArn: thing(call), thingId };
    }),
    route('DescribeThing', 'GET /things/{thingName}', thing, (call) => {
      const record = things.describe(nameOf(call));
      return { ...summary(record), defaultClientId: record.thingName, thingId: record.thingId };
    }),
    route('ListThings', 'GET /things', ANY_RESOURCE, ({ query }) => {
      const { items, next } = pageOf(things.list().filter(matching(query)), query);
      return { things: items.map(summary), nextToken: next };
    }),
    route('DeleteThing', 'DELETE /things/{thingName}', thing, (call) => things.remove(nameOf(call))),
    route('AttachThingPrincipal', 'PUT /things/{thingName}/principals', ANY_RESOURCE, (call) =>
      things.attach(nameOf(call), certificateOf(call)),
    ),
    route('DetachThingPrincipal', 'DELETE /things/{thingName}/principals', ANY_RESOURCE, (call) =>
      things.detach(nameOf(call), certificateOf(call)),
    ),
    route('ListThingPrincipals', 'GET /things/{thingName}/principals', ANY_RESOURCE, (call) => {
      const all = things.describe(nameOf(call)).certificateIds.map((id) => arns.of('cert', id));
      const { items, next } = pageOf(all, call.query);
      return { principals: items, nextToken: next };
    }),
    route('ListPrincipalThings', 'GET /principals/things', ANY_RESOURCE, (call) => {
      const { items, next } = pageOf(things.ofCertificate(certificateOf(call)), call.query);
      return { things: items, nextToken: next };
    }),
  ];
}

function principalOf(call: RestCall): string {
  const principal = call.header('x-amzn-principal');
  if (principal !== undefined) return principal;
  throw new AwsError('InvalidRequestException', 'The header x-amzn-principal is missing');
}

/** By one attribute, or all. */
function matching(query: URLSearchParams): (thing: ThingRecord) => boolean {
  for (const filter of ['thingTypeName', 'usePrefixAttributeValue']) {
    if (!query.has(filter)) continue;
    throw new AwsError('InvalidRequestException', `${filter} is not supported by the local cloud`);
  }
  const [name, value] = [query.get('attributeName'), query.get('attributeValue')];
  if (value !== null && name === null) {
    throw new AwsError('InvalidRequestException', 'attributeValue needs attributeName');
  }
  return ({ attributes }) =>
    name === null || (Object.hasOwn(attributes, name) && (value ?? attributes[name]) === attributes[name]);
}
