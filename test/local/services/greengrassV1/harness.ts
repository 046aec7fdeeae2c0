import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssociateServiceRoleToAccountCommand, GreengrassClient } from '@aws-sdk/client-greengrass';
import pino from 'pino';
import type { CloudContext, Credentials, PolicyStatement } from '../../../../local/base/context';
import { EventDelivery } from '../../../../local/base/events';
import {
  createGreengrassV1,
  type CoreDelivery,
  type CoreOutcome,
  type GreengrassV1,
  type StatusChange,
  type V1Options,
} from '../../../../local/services/greengrassV1';
import { listen } from '../../../../local/base/http';
import { createIam } from '../../../../local/services/iam';
import { createRestService } from '../../../../local/base/rest/service';

export const REGION = 'eu-central-1';
export const ACCOUNT = '000000000000';
export const SERVICE_ROLE = `arn:aws:iam::${ACCOUNT}:role/greengrass`;

/** The V1 control plane on a fresh folder, and a core whose reports a test decides. */
export interface TestV1 {
  client: GreengrassClient;
  cloud: CloudContext;
  v1: GreengrassV1;
  /** Of operations, in the order of their requests. */
  requests: string[];
  events: StatusChange[];
  /** What reached the core, oldest first. */
  deliveries: CoreDelivery[];
  /** Lets every step of deployments happen that is due. */
  step(): void;
  /** The core reports this of its newest delivery. */
  report(outcome: CoreOutcome): void;
  /** Operations that are throttled the next so many times. */
  throttle: Map<string, number>;
  clientOf(credentials: Credentials, config?: { maxAttempts: number }): GreengrassClient;
  credentialsOf(...statements: PolicyStatement[]): Credentials;
  /** Ends the control plane and starts it on the same folder. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startV1(options: V1Options & { serviceRole?: boolean } = {}): Promise<TestV1> {
  const { serviceRole = true, ...given } = options;
  const stateDir = await mkdtemp(join(tmpdir(), 'greengrass-v1-'));
  const log = pino({ level: 'silent' });
  const events = new EventDelivery({ log });
  const iam = createIam({ account: ACCOUNT, region: REGION, log });
  const cloud: CloudContext = {
    ...{ account: ACCOUNT, region: REGION, host: '127.0.0.1', stateDir, log, iam, events },
    trace: () => undefined,
  };
  const steps: (() => void)[] = [];
  let time = Date.UTC(2026, 0, 1);
  let close: () => Promise<void> = async () => undefined;
  const clients: GreengrassClient[] = [];
  let url = '';

  const parts: Omit<TestV1, 'client' | 'v1'> = {
    cloud,
    requests: [],
    events: [],
    deliveries: [],
    throttle: new Map(),
    clientOf({ accessKeyId, secretAccessKey, sessionToken }, { maxAttempts } = { maxAttempts: 1 }) {
      const client = new GreengrassClient({
        endpoint: url,
        region: REGION,
        maxAttempts,
        credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
      });
      clients.push(client);
      return client;
    },
    credentialsOf(...statements) {
      const { arn } = iam.putRole({
        name: `role-${clients.length}`,
        assumeRolePolicy: {
          Version: '2012-10-17',
          Statement: {
            Effect: 'Allow',
            Principal: { Service: 'lambda.amazonaws.com' },
            Action: 'sts:AssumeRole',
          } as never,
        },
        policies: [{ Version: '2012-10-17', Statement: statements }],
      });
      return iam.assumeRole(arn, 'session', 'lambda.amazonaws.com');
    },
    step() {
      while (steps.length > 0) steps.shift()?.();
    },
    report(outcome) {
      const { deploymentId = 'none' } = test.deliveries.at(-1) ?? {};
      if (!test.v1.report(deploymentId, outcome)) throw new Error(`${deploymentId} is not in progress`);
    },
    async restart() {
      await close();
      await start();
    },
    async close() {
      for (const client of clients) client.destroy();
      await close();
      await events.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
  // What `start` sets before anybody sees it.
  const test = parts as TestV1;

  async function start(): Promise<void> {
    steps.length = 0;
    test.v1 = createGreengrassV1(
      { cloud, caPem: 'PEM of the authority', dir: join(stateDir, 'greengrass'), log },
      {
        schedule: (step) => void steps.push(step),
        now: () => (time += 1_000),
        core(delivery) {
          test.deliveries.push(delivery);
          return undefined;
        },
        onStatusChange: (event) => test.events.push(event),
        throttle(operation) {
          test.requests.push(operation);
          const left = test.throttle.get(operation) ?? 0;
          test.throttle.set(operation, left - 1);
          return left > 0;
        },
        ...given,
      },
    );
    const handle = createRestService({ cloud, signingName: 'greengrass', routes: test.v1.routes, log });
    const server = await listen({ host: cloud.host, log, handle });
    url = server.url;
    close = () => server.close();
    test.client = test.clientOf(iam.operator);
  }

  await start();
  if (serviceRole) {
    await test.client.send(new AssociateServiceRoleToAccountCommand({ RoleArn: SERVICE_ROLE }));
    test.requests.length = 0;
  }
  return test;
}
