import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { pino } from 'pino';
import type { CloudContext, Credentials, Iam, PolicyStatement } from '../../../../local/base/context';
import { EventDelivery } from '../../../../local/base/events';
import { createIam } from '../../../../local/services/iam';
import { createS3, type S3 } from '../../../../local/services/s3';

export const REGION = 'eu-central-1';
const ACCOUNT = '123456789012';

export interface Harness {
  s3: S3;
  iam: Iam;
  events: EventDelivery;
  logLines: Record<string, unknown>[];
  operator: S3Client;
  client(credentials: Credentials): S3Client;
  /** A client of a role with these statements. */
  clientWith(...statements: PolicyStatement[]): S3Client;
  /** Ends S3 and starts it anew over the same files. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startS3(): Promise<Harness> {
  const stateDir = mkdtempSync(join(tmpdir(), 'edge-s3-'));
  const logLines: Record<string, unknown>[] = [];
  const log = pino({ level: 'trace' }, { write: (line) => void logLines.push(JSON.parse(line)) });
  const iam = createIam({ account: ACCOUNT, region: REGION, log });
  const events = new EventDelivery({ log });
  const context: CloudContext = {
    account: ACCOUNT,
    region: REGION,
    host: '127.0.0.1',
    stateDir,
    log,
    iam,
    events,
    trace: () => undefined,
  };
  const clients: S3Client[] = [];
  const client = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials): S3Client => {
    const identity = {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    };
    const made = new S3Client({ endpoint: harness.s3.url, region: REGION, credentials: identity });
    clients.push(made);
    return made;
  };
  let roles = 0;
  const harness: Harness = {
    s3: await createS3(context),
    iam,
    events,
    logLines,
    operator: undefined as unknown as S3Client,
    client,
    clientWith(...statements) {
      const { arn } = iam.putRole({
        name: `role-${(roles += 1)}`,
        assumeRolePolicy: {
          Statement: {
            Effect: 'Allow',
            Principal: { Service: 'lambda.amazonaws.com' },
            Action: 'sts:AssumeRole',
            Resource: '*',
          },
        },
        policies: [{ Statement: statements }],
      });
      return client(iam.assumeRole(arn, 'session', 'lambda.amazonaws.com'));
    },
    async restart() {
      await harness.s3.close();
      harness.s3 = await createS3(context);
      harness.operator = client(iam.operator);
    },
    async close() {
      for (const one of clients) one.destroy();
      await harness.s3.close();
      await events.close();
      rmSync(stateDir, { recursive: true });
    },
  };
  harness.operator = client(iam.operator);
  return harness;
}

export function allow(
  action: string | string[],
  resource: string | string[],
  condition?: PolicyStatement['Condition'],
): PolicyStatement {
  return {
    Effect: 'Allow',
    Action: action,
    Resource: resource,
    ...(condition === undefined ? {} : { Condition: condition }),
  };
}

/** The name and status of the error that `work` fails with. */
export async function refusal(work: Promise<unknown>): Promise<{ name: string; status: number | undefined }> {
  try {
    await work;
  } catch (error) {
    const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return { name, status: $metadata?.httpStatusCode };
  }
  throw new Error('it was not refused');
}
