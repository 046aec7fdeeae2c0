import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreateThingCommand,
  DescribeCertificateCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  ListThingPrincipalsCommand,
  ListThingsCommand,
  type IoTClient,
} from '@aws-sdk/client-iot';
import { EdgeError, MADE_BY } from '../../protocol';
import { statusOf, unlessMissing } from '../../lib/awsErrors';
import { allPages } from '../../lib/pages';

/** A thing with its certificate and key, both PEM. */
export interface ProvisionedThing {
  thingName: string;
  certificatePem: string;
  privateKeyPem: string;
  certificateId: string;
}

interface IotEndpoints {
  /** `host`, or `host:port` where the port is not AWS's. */
  data: string;
  credentialProvider: string;
}

export interface ThingOperations {
  /**
   * Creates the thing if need be, a certificate for it, and attaches both and the policy. A thing that
   * is made here is marked with `madeBy`; one that was there stays as it is.
   */
  provisionThing(request: {
    thingName: string;
    policyName: string;
    madeBy?: string;
  }): Promise<ProvisionedThing>;
  /** Ids of the certificates that are attached to the thing; none when there is no such thing. */
  certificatesOf(thingName: string): Promise<string[]>;
  /** Those that are active, the youngest first. */
  activeCertificatesOf(thingName: string): Promise<string[]>;
  /** Undefined when there is no such certificate. */
  certificateArn(certificateId: string): Promise<string | undefined>;
  thingNames(): Promise<string[]>;
  endpoints(): Promise<IotEndpoints>;
}

export function thingOperations(iot: IoTClient): ThingOperations {
  const certificatesOf = (thingName: string): Promise<string[]> => listCertificates(iot, thingName);
  return {
    async provisionThing({ thingName, policyName, madeBy }) {
      await ensureThing(iot, thingName, madeBy);
      const { certificateArn, certificateId, certificatePem, keyPair } = await iot.send(
        new CreateKeysAndCertificateCommand({ setAsActive: true }),
      );
      const privateKeyPem = keyPair?.PrivateKey;
      if (!certificateArn || !certificateId || !certificatePem || !privateKeyPem) {
        throw new EdgeError('CLOUD_ERROR', `no certificate was issued for ${thingName}`);
      }
      await iot.send(new AttachThingPrincipalCommand({ thingName, principal: certificateArn }));
      await iot.send(new AttachPolicyCommand({ policyName, target: certificateArn }));
      return { thingName, certificatePem, privateKeyPem, certificateId };
    },
    certificatesOf,
    async activeCertificatesOf(thingName) {
      const all = await Promise.all((await certificatesOf(thingName)).map((id) => describe(iot, id)));
      return all
        .filter(({ active }) => active)
        .sort((a, b) => b.createdAt - a.createdAt)
        .map(({ certificateId }) => certificateId);
    },
    async certificateArn(certificateId) {
      return (await unlessMissing(describe(iot, certificateId)))?.arn;
    },
    thingNames: () =>
      allPages(async ({ NextToken: nextToken }) => {
        const { things = [], nextToken: NextToken } = await iot.send(new ListThingsCommand({ nextToken }));
        return { items: things.flatMap(({ thingName }) => thingName ?? []), NextToken };
      }),
    async endpoints() {
      const [data, credentialProvider] = await Promise.all(
        ['iot:Data-ATS', 'iot:CredentialProvider'].map(async (endpointType) => {
          const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType }));
          return endpointAddress ?? '';
        }),
      );
      return { data: data ?? '', credentialProvider: credentialProvider ?? '' };
    },
  };
}

async function ensureThing(iot: IoTClient, thingName: string, madeBy: string | undefined): Promise<void> {
  const attributePayload = madeBy === undefined ? undefined : { attributes: { [MADE_BY]: madeBy } };
  try {
    await iot.send(new CreateThingCommand({ thingName, ...(attributePayload && { attributePayload }) }));
  } catch (error) {
    // Somebody else made it, with other attributes.
    if (statusOf(error) !== 409) throw error;
  }
}

/** Other principals than certificates are left out. */
async function listCertificates(iot: IoTClient, thingName: string): Promise<string[]> {
  const arns = allPages(async ({ NextToken: nextToken }) => {
    const page = await iot.send(new ListThingPrincipalsCommand({ thingName, nextToken }));
    return { items: page.principals, NextToken: page.nextToken };
  });
  return ((await unlessMissing(arns)) ?? []).flatMap((arn) => certificateIdOfArn(arn) ?? []);
}

export function certificateIdOfArn(arn: string): string | undefined {
  return /:cert\/([0-9a-f]{64})$/.exec(arn)?.[1];
}

async function describe(iot: IoTClient, certificateId: string) {
  const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }));
  return {
    certificateId,
    arn: certificateDescription?.certificateArn,
    active: certificateDescription?.status === 'ACTIVE',
    createdAt: certificateDescription?.creationDate?.getTime() ?? 0,
  };
}

/** Throws ResourceNotFoundException, as AWS IoT does. */
export async function thingArnOf(iot: IoTClient, thingName: string): Promise<string> {
  const { thingArn } = await iot.send(new DescribeThingCommand({ thingName }));
  if (thingArn === undefined) throw new EdgeError('NOT_FOUND', `there is no thing ${thingName}`);
  return thingArn;
}
