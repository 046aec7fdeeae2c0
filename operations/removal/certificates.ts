import {
  DeleteCertificateCommand,
  DeleteThingCommand,
  DescribeThingCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  ListAttachedPoliciesCommand,
  ListPrincipalThingsCommand,
  ListThingPrincipalsCommand,
  ListTargetsForPolicyCommand,
  paginateListThings,
  UpdateCertificateCommand,
  type IoTClient,
} from '@aws-sdk/client-iot';
import { unlessMissing } from '../../lib/awsErrors';
import { allPages } from '../../lib/pages';
import { releaseGreengrassPolicies } from '../cores/greengrass/corePolicy';
import { poll } from '../poll';
import { MADE_BY } from '../../protocol';
import { certificateIdOfArn } from '../things/things';

export interface RemovedThings {
  /** Ids of the certificates that are gone. */
  certificates: string[];
  things: string[];
  /** Arns of targets that only lost the policy, because the service did not make their things. */
  kept: string[];
}

const DETACHING = { timeoutMs: 30_000 };

/**
 * Takes an IoT policy from everything that it is attached to, as CloudFormation cannot delete it before.
 * A certificate is the service's own when every thing that it is attached to carries the service's mark
 * (`edge-service`, set when the service made the thing): it is deactivated and deleted, then the thing.
 * Whatever was there before stays, without the policy.
 */
export async function releasePolicy(
  iot: IoTClient,
  policyName: string,
  madeBy: string,
): Promise<RemovedThings> {
  const removed: RemovedThings = { certificates: [], things: [], kept: [] };
  for (const target of await targetsOf(iot, policyName)) {
    await releaseGreengrassPolicies(iot, target, policyName);
    await iot.send(new DetachPolicyCommand({ policyName, target }));
    const certificateId = certificateIdOfArn(target);
    const things = certificateId === undefined ? [] : await thingsOf(iot, target);
    const own = things.length > 0 && (await allMadeBy(iot, things, madeBy));
    if (certificateId === undefined || !own) {
      removed.kept.push(target);
      continue;
    }
    await detachOthers(iot, target, policyName);
    await deleteCertificate(iot, target, things);
    removed.certificates.push(certificateId);
    for (const thingName of things) {
      if (await deleteThing(iot, thingName, [certificateId])) removed.things.push(thingName);
    }
  }
  return removed;
}

/**
 * Takes a certificate's rights in this service, and deletes it with that unless it serves something else:
 * a thing that the service did not make and that is not `thingName`, or a policy of somebody else's on such
 * a thing. Resolves with what it serves; undefined when it is gone.
 */
export async function releaseCertificate(
  iot: IoTClient,
  certificateArn: string,
  { thingName, policyName, madeBy }: { thingName: string; policyName: string; madeBy: string },
): Promise<string | undefined> {
  const things = await thingsOf(iot, certificateArn);
  await releaseGreengrassPolicies(iot, certificateArn, policyName);
  const { policies = [] } = await iot.send(new ListAttachedPoliciesCommand({ target: certificateArn }));
  const names = policies.flatMap((each) => each.policyName ?? []);
  const others = names.filter((name) => name !== policyName);
  const foreign = things.filter((name) => name !== thingName);
  if (names.includes(policyName)) {
    await iot.send(new DetachPolicyCommand({ policyName, target: certificateArn }));
  }
  const own = things.length > 0 && (await allMadeBy(iot, things, madeBy));
  if (!own && others.length + foreign.length > 0) {
    return [...others.map((name) => `policy ${name}`), ...foreign.map((name) => `thing ${name}`)].join(', ');
  }
  await detachOthers(iot, certificateArn, policyName);
  await deleteCertificate(iot, certificateArn, things);
  return undefined;
}

/** Of a certificate that is nobody else's: what somebody added to it, such as for Greengrass, goes with it. */
async function detachOthers(iot: IoTClient, target: string, detached: string): Promise<void> {
  const { policies = [] } = await iot.send(new ListAttachedPoliciesCommand({ target }));
  for (const { policyName } of policies) {
    if (policyName !== detached) await iot.send(new DetachPolicyCommand({ policyName, target }));
  }
}

/** Detaches a certificate from its things, deactivates and deletes it. Policies must be detached already. */
async function deleteCertificate(
  iot: IoTClient,
  certificateArn: string,
  things: readonly string[],
): Promise<void> {
  const certificateId = certificateIdOfArn(certificateArn) ?? '';
  for (const thingName of things) {
    await iot.send(new DetachThingPrincipalCommand({ thingName, principal: certificateArn }));
  }
  await iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
  // Detaching takes effect a few seconds later.
  await poll(`the end of certificate ${certificateId}`, DETACHING, async () => {
    try {
      await iot.send(new DeleteCertificateCommand({ certificateId }));
      return true;
    } catch (error) {
      if ((error as { name?: string }).name === 'DeleteConflictException') return undefined;
      throw error;
    }
  });
}

async function targetsOf(iot: IoTClient, policyName: string): Promise<string[]> {
  const targets = allPages(async ({ NextToken: marker }) => {
    const page = await iot.send(new ListTargetsForPolicyCommand({ policyName, marker }));
    return { items: page.targets, NextToken: page.nextMarker };
  });
  return (await unlessMissing(targets)) ?? [];
}

async function thingsOf(iot: IoTClient, principal: string): Promise<string[]> {
  const { things = [] } = await iot.send(new ListPrincipalThingsCommand({ principal }));
  return things;
}

export async function allMadeBy(iot: IoTClient, things: readonly string[], madeBy: string): Promise<boolean> {
  const marks = await Promise.all(
    things.map(async (thingName) => {
      const { attributes } = await iot.send(new DescribeThingCommand({ thingName }));
      return attributes?.[MADE_BY];
    }),
  );
  return marks.every((mark) => mark === madeBy);
}

/** False when another principal is attached to it: then it is still somebody's. */
export async function deleteThing(
  iot: IoTClient,
  thingName: string,
  /** Ids of certificates that were just detached. */
  detached: readonly string[],
): Promise<boolean> {
  const left = await poll(`the end of thing ${thingName}`, DETACHING, async () => {
    const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName }));
    const ids = principals.map((arn) => certificateIdOfArn(arn) ?? '');
    return ids.some((id) => detached.includes(id)) ? undefined : principals;
  });
  if (left.length > 0) return false;
  await iot.send(new DeleteThingCommand({ thingName }));
  return true;
}

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

/** No certificates for a thing that has gone meanwhile. */
async function principalsOf(iot: IoTClient, thingName: string): Promise<string[]> {
  const found = await unlessMissing(iot.send(new ListThingPrincipalsCommand({ thingName })));
  return found?.principals ?? [];
}
