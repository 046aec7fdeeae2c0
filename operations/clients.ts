import { GreengrassClient, type GreengrassClientConfig } from '@aws-sdk/client-greengrass';
import { GreengrassV2Client, type GreengrassV2ClientConfig } from '@aws-sdk/client-greengrassv2';
import { IoTClient, type IoTClientConfig } from '@aws-sdk/client-iot';
import { LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
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
  greengrassV1: GreengrassClient;
  lambda: LambdaClient;
}

/**
 * AWS IoT and Greengrass allow some ten calls a second per operation and account, which a service of many
 * devices is over at once: the SDK waits as it is told, and slows down.
 */
const THROTTLED = { retryMode: 'adaptive', maxAttempts: 10 };

/** Clients open no connection before their first call. */
export function createClients(config: OperatorConfig): OperatorClients {
  const at = (name: EndpointName): Record<string, unknown> => {
    const endpoint = config.endpoints?.[name];
    const { region, credentials, client } = config;
    return { ...client, region, credentials, ...(endpoint === undefined ? {} : { endpoint }) };
  };
  return {
    s3: new S3Client(at('S3') as S3ClientConfig),
    iot: new IoTClient({ ...at('IOT'), ...THROTTLED } as IoTClientConfig),
    greengrass: new GreengrassV2Client({ ...at('GREENGRASSV2'), ...THROTTLED } as GreengrassV2ClientConfig),
    greengrassV1: new GreengrassClient({ ...at('GREENGRASS'), ...THROTTLED } as GreengrassClientConfig),
    lambda: new LambdaClient(at('LAMBDA') as LambdaClientConfig),
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

/** HTTP status of an error of the SDK. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

/** Undefined where the service says that there is no such thing. */
export async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
