import { z } from 'zod';
import { AwsError } from '../../../base/context';
import type { RestCall, RestRoute } from '../../../base/rest/service';
import { pageOf, readJsonBody } from '../../../base/rest/input';
import type { ThingRecord } from '../registry/store';
import type { IotContext } from '../types';

const createThingSchema = z.strictObject({
  attributePayload: z
    .strictObject({ attributes: z.record(z.string(), z.string()).optional(), merge: z.boolean().optional() })
    .optional(),
});

/** Things and what is attached to them. Resource types as in the Service Authorization Reference. */
export function thingRoutes({ registry, arns }: IotContext): RestRoute[] {
  const { things } = registry;
  const nameOf = (call: RestCall): string => call.params.thingName ?? '';
  const onThing =
    (action: string) =>
    (call: RestCall): { action: string; resource: string }[] => [
      { action: `iot:${action}`, resource: arns.of('thing', nameOf(call)) },
    ];
  const onAny = (action: string) => () => [{ action: `iot:${action}`, resource: '*' }];
  const certificateOf = (call: RestCall): string => arns.certificateId(principalOf(call));
  const summary = (thing: ThingRecord): Record<string, unknown> => ({
    thingName: thing.thingName,
    thingArn: arns.of('thing', thing.thingName),
    attributes: thing.attributes,
    version: 1,
  });

  return [
    {
      operation: 'CreateThing',
      method: 'POST',
      path: '/things/{thingName}',
      permissions: onThing('CreateThing'),
      handle(call) {
        const { attributePayload } = readJsonBody(call.body, createThingSchema);
        const thing = things.create(nameOf(call), attributePayload?.attributes);
        const { thingName, thingId } = thing;
        return { thingName, thingArn: arns.of('thing', thingName), thingId };
      },
    },
    {
      operation: 'DescribeThing',
      method: 'GET',
      path: '/things/{thingName}',
      permissions: onThing('DescribeThing'),
      handle(call) {
        const thing = things.describe(nameOf(call));
        return { ...summary(thing), defaultClientId: thing.thingName, thingId: thing.thingId };
      },
    },
    {
      operation: 'ListThings',
      method: 'GET',
      path: '/things',
      permissions: onAny('ListThings'),
      handle({ query }) {
        const page = pageOf(things.list().filter(matching(query)), query);
        return { things: page.items.map(summary), nextToken: page.next };
      },
    },
    {
      operation: 'DeleteThing',
      method: 'DELETE',
      path: '/things/{thingName}',
      permissions: onThing('DeleteThing'),
      handle: (call) => things.remove(nameOf(call)),
    },
    {
      operation: 'AttachThingPrincipal',
      method: 'PUT',
      path: '/things/{thingName}/principals',
      permissions: onAny('AttachThingPrincipal'),
      handle: (call) => things.attach(nameOf(call), certificateOf(call)),
    },
    {
      operation: 'DetachThingPrincipal',
      method: 'DELETE',
      path: '/things/{thingName}/principals',
      permissions: onAny('DetachThingPrincipal'),
      handle: (call) => things.detach(nameOf(call), certificateOf(call)),
    },
    {
      operation: 'ListThingPrincipals',
      method: 'GET',
      path: '/things/{thingName}/principals',
      permissions: onAny('ListThingPrincipals'),
      handle(call) {
        const all = things.describe(nameOf(call)).certificateIds.map((id) => arns.of('cert', id));
        const page = pageOf(all, call.query);
        return { principals: page.items, nextToken: page.next };
      },
    },
    {
      operation: 'ListPrincipalThings',
      method: 'GET',
      path: '/principals/things',
      permissions: onAny('ListPrincipalThings'),
      handle(call) {
        const all = things.ofCertificate(certificateOf(call));
        const page = pageOf(all, call.query);
        return { things: page.items, nextToken: page.next };
      },
    },
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
