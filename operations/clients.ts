import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { IoTClient } from '@aws-sdk/client-iot';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/** The variables of `cloud.environment()`, as the SDK itself would read them. */
export type OperatorEnvironment = Record<string, string>;

/** Services by the name that the SDK gives them in `AWS_ENDPOINT_URL_<name>`. */
export type EndpointName = 'S3' | 'IOT' | 'GREENGRASS' | 'GREENGRASSV2' | 'LAMBDA';

/**
 * What every client is made from: what the framework's provider gives, or a region with credentials.
 * Endpoints that are not named here come from `AWS_ENDPOINT_URL_*` of the process, as the SDK does it.
 */
export interface OperatorConfig {
  region: string;
  credentials: S3ClientConfig['credentials'];
  endpoints?: Partial<Record<EndpointName, string>>;
  /** Anything else that SDK clients take: proxies, retries. */
  client?: Record<string, unknown>;
}

export interface OperatorClients {
  s3: S3Client;
  iot: IoTClient;
  greengrass: GreengrassV2Client;
  lambda: LambdaClient;
}

/** What all clients of the SDK take. */
interface AnyClientConfig {
  region: string;
  credentials?: NonNullable<S3ClientConfig['credentials']>;
  endpoint?: string;
}

/**
 * AWS IoT and Greengrass allow some ten calls a second per operation and account, which a service of many
 * devices is over at once: the SDK waits as it is told, and slows down.
 */
const THROTTLED = { retryMode: 'adaptive', maxAttempts: 10 };

/** What the SDK's client of a service is made with; of one that is not named, without an endpoint of its own. */
export function clientConfig(
  { endpoints, region, credentials, client }: OperatorConfig,
  name?: EndpointName,
): AnyClientConfig {
  const endpoint = name && endpoints?.[name];
  const isThrottled = name !== undefined && name !== 'S3' && name !== 'LAMBDA';
  return {
    ...client,
    region,
    ...(credentials !== undefined && { credentials }),
    ...(endpoint !== undefined && { endpoint }),
    ...(isThrottled && THROTTLED),
  };
}

/** Clients open no connection before their first call. */
export function createClients(config: OperatorConfig): OperatorClients {
  return {
    s3: new S3Client(clientConfig(config, 'S3')),
    iot: new IoTClient(clientConfig(config, 'IOT')),
    greengrass: new GreengrassV2Client(clientConfig(config, 'GREENGRASSV2')),
    lambda: new LambdaClient(clientConfig(config, 'LAMBDA')),
  };
}

const ENDPOINTS: readonly EndpointName[] = ['S3', 'IOT', 'GREENGRASS', 'GREENGRASSV2', 'LAMBDA'];

export function configOfEnvironment(environment: OperatorEnvironment): OperatorConfig {
  return {
    region: environment['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
    endpoints: Object.fromEntries(
      ENDPOINTS.flatMap((name) => {
        const endpoint = environment[`AWS_ENDPOINT_URL_${name}`];
        return endpoint === undefined ? [] : [[name, endpoint]];
      }),
    ),
  };
}
