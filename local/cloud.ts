import { resolve } from 'node:path';
import pino from 'pino';
import { systemClock } from '../lib/clock';
import { withinTime } from '../lib/timeLimit';
import type { CertificateAuthority } from '../lib/x509/authority';
import { createCloudFormation, type Stack } from './stack';
import type { CloudOptions } from './cloudOptions';
import type { CloudContext, Credentials } from './base/context';
import { createDeployer, type Deployment, type DeployRequest } from './stack/deploy';
import { EventDelivery } from './base/events';
import { lockFolder } from './base/folderLock';
import { createIam } from './services/iam';
import { startServices, type CloudServices } from './services';

export interface CloudEndpoints {
  s3: string;
  lambda: string;
  /** Control plane of IoT Core. */
  iot: string;
  iotData: string;
  greengrass: string;
  /** Mutual TLS. */
  mqtt: { host: string; port: number };
  /** Mutual TLS: credentials provider and discovery. */
  iotTls: string;
  /** The HTTP API of a stack; of the only one, when no name is given. Undefined when it has none. */
  httpApi: (stackName?: string) => string | undefined;
}

/** AWS on one machine, as far as this product uses it. */
export interface LocalCloud {
  readonly region: string;
  readonly account: string;
  readonly endpoints: CloudEndpoints;
  /** Signs the certificates of the cloud's servers and of things. */
  readonly authority: CertificateAuthority;
  /** The services in process, for tests and tools. */
  readonly services: CloudServices;
  /** Variables that point the AWS SDK and CLI of an operator here. */
  environment(): Record<string, string>;
  /** Uploads the code that the template names and deploys it. Throws as `CloudFormation.deploy`. */
  deploy(request: DeployRequest): Promise<Deployment>;
  stack(name: string): Stack | undefined;
  /** Resolves when no event is under way. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
/** How long functions that run may still finish when the cloud closes. */
const CLOSE_GRACE_MS = 1_000;

/** Starts every service on free ports of 127.0.0.1. Throws EdgeError CONFLICT when the folder is in use. */
export async function startLocalCloud(options: CloudOptions): Promise<LocalCloud> {
  const stateDir = resolve(options.stateDir);
  const closers: (() => Promise<void> | void)[] = [];
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= closeAll(closers));
  try {
    closers.push(await lockFolder(stateDir, 'cloud.lock'));
    const context = createContext({ ...options, stateDir });
    const services = await startServices(
      context,
      options,
      () => endpointVariables(cloud.endpoints),
      (service) => {
        closers.push(() => service.close());
        return service;
      },
    );
    // Last in, first out: what is under way may still use every service.
    closers.push(() => withinTime(systemClock, CLOSE_GRACE_MS, context.events.close(), () => undefined));
    const cloud = assemble(context, services, close);
    return cloud;
  } catch (error) {
    await close();
    throw error;
  }
}

/** In reverse; one that fails keeps no other from closing. Throws the first failure. */
async function closeAll(closers: readonly (() => Promise<void> | void)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of closers.toReversed()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function assemble(context: CloudContext, services: CloudServices, close: () => Promise<void>): LocalCloud {
  const { region, account, events, iam } = context;
  const cloudFormation = createCloudFormation(context, services);
  const endpoints = endpointsOf(services, (stackName) =>
    cloudFormation.stacks().filter(({ name }) => (stackName ?? name) === name),
  );
  return {
    region,
    account,
    endpoints,
    authority: services.authority,
    services,
    environment: () => ({
      ...credentialVariables(iam.operator),
      AWS_REGION: region,
      ...endpointVariables(endpoints),
    }),
    deploy: createDeployer({ cloudFormation, account, region, s3: services.s3, operator: iam.operator }),
    stack: (name) => cloudFormation.stack(name),
    idle: () => events.idle(),
    close,
  };
}

function endpointsOf(
  { s3, lambda, iotCore, greengrass }: CloudServices,
  stacks: (name?: string) => readonly Stack[],
): CloudEndpoints {
  return {
    s3: s3.url,
    lambda: lambda.url,
    iot: iotCore.controlUrl,
    iotData: iotCore.dataUrl,
    greengrass: greengrass.url,
    mqtt: iotCore.mqtt,
    iotTls: iotCore.tlsUrl,
    httpApi: (stackName) =>
      stacks(stackName)
        .map(apiEndpoint)
        .find((url) => url !== undefined),
  };
}

function createContext({
  region = 'eu-west-1',
  account = '000000000000',
  log = pino({ level: 'silent' }),
  stateDir,
  faults,
  random,
  onExchange,
}: CloudOptions) {
  return {
    account,
    region,
    host: HOST,
    stateDir,
    log,
    iam: createIam({ account, region, log }),
    events: new EventDelivery({ log, faults, random }),
    trace: (exchange) => onExchange?.(exchange),
  } satisfies CloudContext;
}

function apiEndpoint(stack: Stack): string | undefined {
  const api = Object.values(stack.resources).find(({ type }) => type === 'AWS::ApiGatewayV2::Api');
  return api?.attributes['ApiEndpoint'];
}

function endpointVariables(endpoints: CloudEndpoints): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda,
    AWS_ENDPOINT_URL_IOT: endpoints.iot,
    AWS_ENDPOINT_URL_IOT_DATA_PLANE: endpoints.iotData,
    AWS_ENDPOINT_URL_GREENGRASS: endpoints.greengrass,
    AWS_ENDPOINT_URL_GREENGRASSV2: endpoints.greengrass,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

function credentialVariables({ accessKeyId, secretAccessKey }: Credentials): Record<string, string> {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}
