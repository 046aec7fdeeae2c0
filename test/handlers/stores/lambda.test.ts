import {
  CreateAliasCommand,
  CreateFunctionCommand,
  GetAliasCommand,
  GetFunctionCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  waitUntilFunctionActiveV2,
  type FunctionConfiguration,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import { EdgeError, functionConfigSchema, MAX_MQTT_PAYLOAD, type FunctionConfig } from '../../../protocol';
import { packageDigest } from '../../../protocol/functionPackage';
import { LambdaInvoker } from '../../../handlers/cloudRemoteExecution/cloudInvoker';
import { LambdaPublisher } from '../../../handlers/createFunction/cloudPublisher';
import { lambdaHint } from '../../../handlers/handleDeploymentRequest/deploymentHint';
import { jitteredBackoff } from '../../../handlers/stores/backoff';
import { createLambda, type Lambda } from '../../../local/services/lambda';
import {
  ACCOUNT,
  createTestCloud,
  lambdaClient,
  memoryHost,
  REGION,
  type TestCloud,
} from '../../local/services/lambda/support';
import { refused } from '../expectCode';
import { packageOf } from '../fixtures';

/** The adapters over Lambda's wire protocol: SDK client, local cloud. */
const LOG_GROUP = '/aws/lambda/edge-functions';
const ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:`;
let cloud: TestCloud;
let lambda: Lambda;
let client: LambdaClient;
let roleArn: string;
let publisher: LambdaPublisher;
const events: unknown[] = [];
const received: (() => void)[] = [];

beforeAll(async () => {
  cloud = await createTestCloud();
  lambda = await createLambda(cloud.context, {
    functionHost: memoryHost({
      'edge-echo': (event) => event,
      'edge-throws': () => {
        throw new EdgeError('FUNCTION_ERROR', 'no', {
          details: { errorType: 'TypeError', errorMessage: 'no' },
        });
      },
      'edge-rants': () => {
        throw new EdgeError('FUNCTION_ERROR', 'no', {
          details: { errorType: 'E'.repeat(1_000_000), errorMessage: 'x'.repeat(1_000_000) },
        });
      },
      'edge-hangs': () => {
        throw new EdgeError('FUNCTION_TIMED_OUT');
      },
      'edge-eats': () => {
        throw new EdgeError('FUNCTION_OUT_OF_MEMORY');
      },
      'edge-exits': () => {
        throw new EdgeError('FUNCTION_EXITED');
      },
      'edge-busy': () => {
        throw new EdgeError('QUEUE_FULL');
      },
      'edge-large': () => 'x'.repeat(MAX_MQTT_PAYLOAD),
      'edge-fits': () => 'x'.repeat(MAX_MQTT_PAYLOAD - 2),
      'edge-silent': () => undefined,
      perform: (event) => {
        events.push(event);
        received.shift()?.();
      },
    }),
    environment: () => ({}),
    readObject: async () => Promise.reject(new Error('NoSuchKey')),
    destinations: { putObject: async () => undefined },
  });
  client = lambdaClient(lambda, cloud.context.iam.operator);
  roleArn = cloud.functionRole('functions');
  publisher = new LambdaPublisher(client, { prefix: 'edge-', roleArn, logGroup: LOG_GROUP }, jitteredBackoff);
});
afterAll(async () => {
  client.destroy();
  await lambda.close();
  await cloud.close();
});

const config = (more: object): FunctionConfig =>
  functionConfigSchema.parse({ name: 'echo', handler: 'index.handler', locations: ['cloud'], ...more });

async function publish(source: string, more: object = {}) {
  const bytes = await packageOf(more, source);
  const target = await publisher.publish(config(more), bytes, packageDigest(bytes));
  return { ...target, sha: Buffer.from(packageDigest(bytes), 'hex').toString('base64') };
}

async function configurationOf(FunctionName: string, Qualifier?: string): Promise<FunctionConfiguration> {
  const found = await client.send(new GetFunctionCommand({ FunctionName, ...(Qualifier && { Qualifier }) }));
  return found.Configuration ?? {};
}

describe('LambdaPublisher', () => {
  it('creates a function, and publishes a version per content or configuration', async () => {
    const name = 'versions';
    expect(await publish('1', { name })).toMatchObject({
      functionArn: `${ARN}edge-versions`,
      qualifier: '1',
    });
    expect(await publish('1', { name })).toMatchObject({ qualifier: '1' });
    expect(await publish('2', { name })).toMatchObject({ qualifier: '2' });
    const changed = { name, memory: 64, timeout: 9, environment: { MODE: 'fast' }, handler: 'app.handler' };
    expect(await publish('2', changed)).toMatchObject({ qualifier: '3' });
    expect(await configurationOf('edge-versions', '3')).toMatchObject({
      MemorySize: 128,
      Timeout: 9,
      Handler: 'app.handler',
      Role: roleArn,
      Environment: { Variables: { MODE: 'fast' } },
    });
  });

  it('has them log where logs end, and changes nothing of a function that is as it should be', async () => {
    await publish('1', { name: 'logging' });
    const before = await configurationOf('edge-logging');
    expect(before.LoggingConfig).toMatchObject({ LogGroup: LOG_GROUP });
    await publish('1', { name: 'logging' });
    expect((await configurationOf('edge-logging')).LastModified).toBe(before.LastModified);
  });

  it('cuts a name that is too long for Lambda, and keeps two of them apart', async () => {
    const prefix = 'a-service-with-a-long-name-production-edge-'.slice(-40);
    const long = (end: string) => `predictTheWeatherOfTheWholeNextWeekIn${end}`;
    const roomy = new LambdaPublisher(client, { prefix, roleArn, logGroup: LOG_GROUP }, jitteredBackoff);
    const make = async (name: string) => {
      const bytes = await packageOf({ name });
      const target = await roomy.publish(config({ name }), bytes, packageDigest(bytes));
      await roomy.promote(name, target);
      return target.functionArn.split(':').at(-1) ?? '';
    };
    const names = [await make(long('Berlin')), await make(long('Bern'))];
    expect(new Set(names).size).toBe(2);
    for (const name of names) {
      expect(name.length).toBeLessThanOrEqual(64);
      expect(name.startsWith(prefix)).toBe(true);
      const live = await client.send(new GetAliasCommand({ FunctionName: name, Name: 'live' }));
      expect(live.FunctionVersion).toBe('1');
    }
    expect(await make('short')).toBe(`${prefix}short`);
  });

  it('gives each of several concurrent uploads a version with its own code', async () => {
    const targets = await Promise.all(['1', '2', '3'].map((source) => publish(source, { name: 'race' })));
    for (const { qualifier, sha } of targets) {
      expect((await configurationOf('edge-race', qualifier)).CodeSha256).toBe(sha);
    }
    expect(new Set(targets.map(({ qualifier }) => qualifier)).size).toBe(3);
  });

  it('moves the alias live, of its own functions only', async () => {
    const target = await publish('1', { name: 'alias' });
    await publisher.promote('alias', target);
    const second = await publish('2', { name: 'alias' });
    await Promise.all([publisher.promote('alias', second), publisher.promote('alias', second)]);
    const alias = () => client.send(new GetAliasCommand({ FunctionName: 'edge-alias', Name: 'live' }));
    expect((await alias()).FunctionVersion).toBe('2');
    await publisher.promote('alias', { functionArn: `${ARN}svc-dev-alias`, qualifier: '1' });
    expect((await alias()).FunctionVersion).toBe('2');
  });

  it('finds an ordinary function by name and by ARN, and creates none', async () => {
    const Code = { ZipFile: await packageOf({}) };
    const props = { Role: roleArn, Handler: 'index.handler', Runtime: 'nodejs22.x' as const, Code };
    await client.send(new CreateFunctionCommand({ FunctionName: 'ordinary', ...props }));
    const functionArn = `${ARN}ordinary`;
    expect(await publisher.existing('ordinary')).toEqual({ functionArn, qualifier: '$LATEST' });
    expect(await publisher.existing(functionArn)).toEqual({ functionArn, qualifier: '$LATEST' });
    const { Versions } = await client.send(new ListVersionsByFunctionCommand({ FunctionName: 'ordinary' }));
    expect(Versions).toHaveLength(1);
    const active = { client, maxWaitTime: 10, minDelay: 0.05, maxDelay: 0.1 };
    await waitUntilFunctionActiveV2(active, { FunctionName: 'ordinary' });
    await client.send(new PublishVersionCommand({ FunctionName: 'ordinary' }));
    const live = { FunctionName: 'ordinary', Name: 'live', FunctionVersion: '1' };
    await client.send(new CreateAliasCommand(live));
    expect(await publisher.existing('ordinary:live')).toEqual({ functionArn, qualifier: 'live' });
    expect(await publisher.existing(`${functionArn}:1`)).toEqual({ functionArn, qualifier: '1' });
    for (const missing of ['nothing', 'ordinary:test', `${functionArn}:7`]) {
      const error = await refused('CONFIG_INVALID', publisher.existing(missing));
      expect(error.field).toBe('cloudFunction');
    }
  });

  it('an ordinary function that it may not see is refused like one that does not exist', async () => {
    const without = lambdaClient(lambda, cloud.userWith());
    const powerless = new LambdaPublisher(
      without,
      { prefix: 'edge-', roleArn, logGroup: LOG_GROUP },
      jitteredBackoff,
    );
    expect((await refused('CONFIG_INVALID', powerless.existing('ordinary'))).field).toBe('cloudFunction');
    without.destroy();
  });

  it('throws a refusal of Lambda at once', async () => {
    const without = lambdaClient(lambda, cloud.userWith());
    const powerless = new LambdaPublisher(
      without,
      { prefix: 'edge-', roleArn, logGroup: LOG_GROUP },
      jitteredBackoff,
    );
    const bytes = await packageOf({});
    await expect(powerless.publish(config({}), bytes, packageDigest(bytes))).rejects.toThrow(
      expect.objectContaining({ name: 'AccessDeniedException' }),
    );
    without.destroy();
  });
});

describe('LambdaInvoker', () => {
  const invoke = async (name: string, input?: unknown) => {
    const target = await publish('1', { name });
    return new LambdaInvoker(client).invoke(target, input);
  };

  it('gives the result of the version', async () => {
    expect(await invoke('echo', { samples: [1, 2, 'ü'] })).toEqual({ samples: [1, 2, 'ü'] });
    expect(await invoke('silent')).toBeNull();
    expect(await invoke('fits')).toHaveLength(MAX_MQTT_PAYLOAD - 2);
  });

  it.each([
    ['throws', 'FUNCTION_ERROR'],
    ['hangs', 'FUNCTION_TIMED_OUT'],
    ['eats', 'FUNCTION_OUT_OF_MEMORY'],
    ['exits', 'FUNCTION_EXITED'],
    ['busy', 'QUEUE_FULL'],
    ['large', 'RESULT_TOO_LARGE'],
  ] as const)('reports a function that is or %s as %s', async (name, code) => {
    const error = await refused(code, invoke(name));
    if (name === 'throws') expect(error.details).toEqual({ errorType: 'TypeError', errorMessage: 'no' });
  });

  it('cuts a message that no device could be told', async () => {
    const error = await refused('FUNCTION_ERROR', invoke('rants'));
    expect(error.details?.['errorMessage']).toMatch(/^x+$/);
    expect(JSON.stringify(error).length).toBeLessThan(MAX_MQTT_PAYLOAD / 4);
  });

  it('reports what Lambda refuses as CLOUD_ERROR', async () => {
    const target = { functionArn: `${ARN}edge-nothing`, qualifier: '1' };
    const error = await refused('CLOUD_ERROR', new LambdaInvoker(client).invoke(target, {}));
    expect(error.details).toEqual({ service: 'lambda', error: 'ResourceNotFoundException' });
  });
});

it('lambdaHint invokes performDeployment asynchronously', async () => {
  const made = { FunctionName: 'perform', Role: roleArn, Handler: 'index.handler' };
  await lambda.createFunction({ ...made, Runtime: 'nodejs22.x', Code: { ZipFile: await packageOf({}) } });
  const arrived = new Promise<void>((resolve) => received.push(resolve));
  await lambdaHint(client, 'perform')('plant');
  await arrived;
  expect(events).toEqual([{ group: 'plant' }]);
});
