import {
  DetachThingPrincipalCommand,
  ListThingPrincipalsCommand,
  paginateListThings,
  type IoTClient,
} from '@aws-sdk/client-iot';
import { deleteThing, type RemovedThings } from './certificateRemoval';
import { unlessMissing } from '../clients';
import { MADE_BY } from '../things/madeBy';
import { certificateIdOfArn } from '../things/things';

/**
 * Deletes the things that the service made and that are left once its policies are released: those whose
 * device was removed before, and those with certificates of somebody else, which lose the thing and stay.
 * Things of the stack are among them; CloudFormation could not delete one that has a certificate.
 */
export async function removeOwnThings(iot: IoTClient, madeBy: string): Promise<RemovedThings> {
  const removed: RemovedThings = { certificates: [], things: [], kept: [] };
  for (const thingName of await thingsMadeBy(iot, madeBy)) {
    const principals = await principalsOf(iot, thingName);
    for (const principal of principals) {
      await iot.send(new DetachThingPrincipalCommand({ thingName, principal }));
    }
    removed.kept.push(...principals);
    const detached = principals.flatMap((arn) => certificateIdOfArn(arn) ?? []);
    if (await deleteThing(iot, thingName, detached)) removed.things.push(thingName);
  }
  return removed;
}

async function thingsMadeBy(iot: IoTClient, madeBy: string): Promise<string[]> {
  const names: string[] = [];
  const query = { attributeName: MADE_BY, attributeValue: madeBy };
  for await (const { things = [] } of paginateListThings({ client: iot }, query)) {
    names.push(...things.flatMap(({ thingName }) => thingName ?? []));
  }
  return names;
}

/** None of a thing that has gone meanwhile. */
async function principalsOf(iot: IoTClient, thingName: string): Promise<string[]> {
  const found = await unlessMissing(iot.send(new ListThingPrincipalsCommand({ thingName })));
  return found?.principals ?? [];
}
