import { createHash } from 'node:crypto';
import {
  AttachPolicyCommand,
  CreatePolicyCommand,
  DeletePolicyCommand,
  DescribeRoleAliasCommand,
  DetachPolicyCommand,
  GetPolicyCommand,
  ListAttachedPoliciesCommand,
  type IoTClient,
} from '@aws-sdk/client-iot';
import { canonicalJson, EdgeError } from '../../../protocol';
import type { OperatorAccess } from '../../groups/changeGroup';
import { unlessMissing } from '../../../lib/awsErrors';

const MAX_NAME = 128;
const MAX_DOCUMENT = 2_048;
/** Of a second policy; no thing name has a dot. */
const CLIENT_DEVICES = '.clients';
const DATA_PLANE = [
  'greengrass:GetComponentVersionArtifact',
  'greengrass:GetDeploymentConfiguration',
  'greengrass:ListThingGroupsForCoreDevice',
  'greengrass:ResolveComponentCandidates',
];

/**
 * The IoT policy of a core that is a Greengrass core device, with its thing name in full: in policies of
 * core devices AWS does not support the variables by which the service's own core policy ties topics to
 * the connected thing. It allows what the nucleus needs and, over its connection, this core's topics.
 * Source: AWS IoT Greengrass V2 developer guide, "Device authentication and authorization", "Minimal AWS
 * IoT policy for AWS IoT Greengrass V2 core devices". Made anew when it is another one.
 */
export async function ensureGreengrassPolicy(
  access: OperatorAccess,
  { thingName, certificateId }: { thingName: string; certificateId: string },
): Promise<string> {
  const { operator, outputs } = access;
  const { iot } = operator.clients;
  const target = await operator.certificateArn(certificateId);
  if (target === undefined) throw new EdgeError('NOT_FOUND', `there is no certificate ${certificateId}`);
  const { roleAliasDescription } = await iot.send(
    new DescribeRoleAliasCommand({ roleAlias: outputs.roleAlias }),
  );
  const policyName = policyNameOf(outputs.corePolicy, thingName);
  const policyDocument = documentOf(thingName, {
    base: baseOf(target),
    roleAliasArn: roleAliasDescription?.roleAliasArn ?? '',
    corePrefix: outputs.corePrefix,
  });
  await putPolicy(iot, { policyName, policyDocument, target });
  return policyName;
}

/**
 * What Greengrass's client device components need on a core beside that: its certificate authority and
 * whoever connects made known to the cloud and checked by it, its addresses told by the IP detector, and the
 * shadow by which it hears of them. A policy of its own, because one has 2,048 characters at most. Taken away
 * when they are not `wanted`. Source: AWS IoT Greengrass V2 developer guide, "Minimal AWS IoT policy to
 * support client devices", and "Client device auth", "Requirements".
 */
export async function ensureClientDevicePolicy(
  { operator, outputs }: OperatorAccess,
  { thingName, certificateId, wanted }: { thingName: string; certificateId: string; wanted: boolean },
): Promise<void> {
  const { iot } = operator.clients;
  const target = await operator.certificateArn(certificateId);
  if (target === undefined) throw new EdgeError('NOT_FOUND', `there is no certificate ${certificateId}`);
  const policyName = policyNameOf(`${outputs.corePolicy}${CLIENT_DEVICES}`, thingName);
  if (wanted) {
    const policyDocument = clientDeviceDocument(thingName, baseOf(target));
    await putPolicy(iot, { policyName, policyDocument, target });
  } else if ((await policyDocumentOf(iot, policyName)) !== undefined) {
    await removePolicy(iot, policyName, target);
  }
}

async function putPolicy(
  iot: IoTClient,
  { policyName, policyDocument, target }: { policyName: string; policyDocument: string; target: string },
): Promise<void> {
  const known = await policyDocumentOf(iot, policyName);
  if (known !== policyDocument) {
    if (known !== undefined) await removePolicy(iot, policyName, target);
    await iot.send(new CreatePolicyCommand({ policyName, policyDocument }));
  }
  await iot.send(new AttachPolicyCommand({ policyName, target }));
}

/** Takes such policies from a certificate and deletes them, as far as nobody else has them. */
export async function releaseGreengrassPolicies(
  iot: IoTClient,
  certificateArn: string,
  corePolicy: string,
): Promise<void> {
  const { policies = [] } = await iot.send(new ListAttachedPoliciesCommand({ target: certificateArn }));
  for (const { policyName } of policies) {
    if (policyName?.startsWith(`${corePolicy}.`)) await removePolicy(iot, policyName, certificateArn);
  }
}

async function removePolicy(iot: IoTClient, policyName: string, target: string): Promise<void> {
  await iot.send(new DetachPolicyCommand({ policyName, target }));
  try {
    await iot.send(new DeletePolicyCommand({ policyName }));
  } catch (error) {
    // Another certificate of the thing has it, too.
    if ((error as { name?: string }).name !== 'DeleteConflictException') throw error;
  }
}

async function policyDocumentOf(iot: IoTClient, policyName: string): Promise<string | undefined> {
  const known = await unlessMissing(iot.send(new GetPolicyCommand({ policyName })));
  return known && canonicalJson(JSON.parse(known.policyDocument ?? '{}'));
}

/** Policy names have no colon, which thing names may have; a name that is too long ends in a digest. */
function policyNameOf(corePolicy: string, thingName: string): string {
  const name = `${corePolicy}.${thingName.replaceAll(':', '=')}`;
  if (name.length <= MAX_NAME) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${name.slice(0, MAX_NAME - digest.length - 1)}.${digest}`;
}

interface PolicySubject {
  /** `arn:<partition>:iot:<region>:<account>` */
  base: string;
  corePrefix: string;
  roleAliasArn: string;
}

/**
 * AWS allows 2,048 characters, so this core's topics are one resource. Names of AWS's topics are whole,
 * where AWS's example has `<thing>*`: that would be the topics of every core whose name begins like it.
 */
function documentOf(thingName: string, { base, corePrefix, roleAliasArn }: PolicySubject): string {
  const own = `$aws/things/${thingName}`;
  const arns = (type: string, names: readonly string[]) => names.map((name) => `${base}:${type}/${name}`);
  const shared = [`${own}/jobs/*`, `${own}/shadow/*`, `${corePrefix}/core/${thingName}/*`];
  return checkedDocument(thingName, [
    // The nucleus opens further connections as `<thing>#2`.
    allow(['iot:Connect'], arns('client', [thingName, `${thingName}#*`])),
    allow(['iot:Publish', 'iot:Receive'], arns('topic', [`${own}/greengrass*/health/json`, ...shared])),
    allow(['iot:Subscribe'], arns('topicfilter', shared)),
    allow(['iot:AssumeRoleWithCertificate'], [roleAliasArn]),
    // Over HTTPS; none of them has a resource that a policy could name.
    allow(DATA_PLANE, ['*']),
  ]);
}

function clientDeviceDocument(thingName: string, base: string): string {
  const shadow = (type: string, ...names: string[]) =>
    names.map((name) => `${base}:${type}/$aws/things/${thingName}-gci/shadow/${name}`);
  const heard = ['update/delta', 'get/accepted'];
  const connectivity = base.replace(':iot:', ':greengrass:');
  return checkedDocument(thingName, [
    allow(['greengrass:PutCertificateAuthorities', 'greengrass:VerifyClientDeviceIdentity'], ['*']),
    allow(['greengrass:VerifyClientDeviceIoTCertificateAssociation'], [`${base}:thing/*`]),
    allow(
      ['greengrass:GetConnectivityInfo', 'greengrass:UpdateConnectivityInfo'],
      [`${connectivity}:/greengrass/things/${thingName}/connectivityInfo`],
    ),
    allow(['iot:Publish'], shadow('topic', 'get')),
    allow(['iot:Subscribe'], shadow('topicfilter', ...heard)),
    allow(['iot:Receive'], shadow('topic', ...heard)),
  ]);
}

/** arn:aws:iot:eu-west-1:123456789012:cert/… → arn:aws:iot:eu-west-1:123456789012 */
function baseOf(certificateArn: string): string {
  return certificateArn.slice(0, certificateArn.lastIndexOf(':'));
}

function checkedDocument(thingName: string, Statement: readonly object[]): string {
  const document = canonicalJson({ Version: '2012-10-17', Statement });
  if (document.length <= MAX_DOCUMENT) return document;
  throw new EdgeError('BAD_REQUEST', `the IoT policy of ${thingName} is longer than AWS IoT allows`, {
    field: 'core',
    expected: 'a shorter name of the core, the service or the stage',
  });
}

function allow(Action: readonly string[], Resource: readonly string[]): object {
  return { Effect: 'Allow', Action, Resource };
}
