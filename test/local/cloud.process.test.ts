import { EventEmitter, once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { startLocalCloud, type LocalCloud } from '../../local/cloud';
import type { CloudOptions } from '../../local/cloudOptions';
import { manualTimers } from './manualTimers';
import { packageScratchService, type ScratchService } from './scratchService';

interface AnyTemplate {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown>; DependsOn?: unknown }>;
  Outputs: Record<string, unknown>;
}

const STACK = 'scratch-dev';
const UPLOADS = 'scratch-dev-uploads';
const RESULTS = 'scratch-dev-results';
const MINUTE = 60_000;

let scratch: ScratchService;
let cloud: LocalCloud;
let s3: S3Client;
const time = manualTimers();
const invocations = new EventEmitter().setMaxListeners(0);

const start = (options: Partial<CloudOptions> = {}): Promise<LocalCloud> =>
  startLocalCloud({
    stateDir: scratch.stateDir,
    retryDelaysMs: [10, 10],
    scheduleTimers: time.timers,
    onInvocation: () => invocations.emit('ended'),
    ...options,
  });

const deploy = (transform?: (template: AnyTemplate) => void) =>
  cloud.deploy({
    stackName: STACK,
    template: scratch.packaged.template,
    artifacts: scratch.packaged.artifactsDir,
    ...(transform && { transform: transform }),
  });

function clientConfig(endpoint: string) {
  const environment = cloud.environment();
  return {
    endpoint,
    region: environment['AWS_REGION'] ?? '',
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
    maxAttempts: 1,
  };
}

async function upload(key: string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: UPLOADS, Key: key, Body: 'content' }));
}

async function recorded(kind: string): Promise<Record<string, unknown> | undefined> {
  await cloud.idle();
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: RESULTS, Key: `${kind}.json` }));
    return JSON.parse((await Body?.transformToString()) ?? '') as Record<string, unknown>;
  } catch (error) {
    if ((error as Error).name === 'NoSuchKey') return undefined;
    throw error;
  }
}

/** What a function recorded, as soon as one that ended has. */
async function arrival(kind: string): Promise<Record<string, unknown>> {
  for (;;) {
    const next = once(invocations, 'ended');
    const event = await recorded(kind);
    if (event !== undefined) return event;
    await next;
  }
}

async function forget(kind: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: RESULTS, Key: `${kind}.json` }));
}

async function getWeb(signed = true) {
  const url = new URL(`${cloud.endpoints.httpApi(STACK)}/groups/attic`);
  const { credentials, region } = clientConfig('');
  const signer = new SignatureV4({ credentials, region, service: 'execute-api', sha256: Sha256 });
  const request = {
    method: 'GET',
    protocol: url.protocol,
    hostname: url.hostname,
    port: Number(url.port),
    path: url.pathname,
    headers: { host: url.host },
  };
  const { headers } = signed ? await signer.sign(request) : request;
  const response = await fetch(url, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

beforeAll(async () => {
  scratch = await packageScratchService();
  cloud = await start();
  s3 = new S3Client(clientConfig(cloud.endpoints.s3));
  await deploy();
});

afterAll(async () => {
  s3?.destroy();
  await cloud?.close();
  await scratch?.remove();
});

describe('a packaged service on the local cloud', () => {
  it('has the outputs of its template', () => {
    const outputs = cloud.stack(STACK)?.outputs;
    expect(outputs).toMatchObject({ ResultsBucket: RESULTS, ApiUrl: cloud.endpoints.httpApi() });
    expect(outputs?.['WebLambdaFunctionQualifiedArn']).toMatch(/:function:scratch-dev-web:1$/);
  });

  it('answers a signed request to its HTTP API, and no other', async () => {
    const caller = 'arn:aws:iam::000000000000:root';
    await expect(getWeb()).resolves.toEqual({
      status: 200,
      body: { group: 'attic', caller, release: 'first' },
    });
    await expect(getWeb(false)).resolves.toMatchObject({ status: 403 });
  });

  it('runs functions from S3 events that pass the filter', async () => {
    await upload('elsewhere/a.zip');
    await upload('uploads/a.txt');
    await expect(recorded('s3')).resolves.toBeUndefined();
    await upload('uploads/a.zip');
    await expect(arrival('s3')).resolves.toMatchObject({
      Records: [{ s3: { object: { key: 'uploads/a.zip' } } }],
    });
  });

  it('runs functions from IoT rules', async () => {
    const client = new IoTDataPlaneClient(clientConfig(cloud.endpoints.iotData));
    await client.send(new PublishCommand({ topic: 'things/pump/said', payload: Buffer.from('{"level":3}') }));
    await expect(arrival('iot')).resolves.toEqual({ level: 3, sender: 'pump' });
    client.destroy();
  });

  it('runs functions on schedule, as a rule and as the scheduler', async () => {
    time.advance(4 * MINUTE);
    await expect(recorded('aws.events')).resolves.toBeUndefined();
    time.advance(MINUTE);
    await expect(arrival('aws.events')).resolves.toMatchObject({ 'detail-type': 'Scheduled Event' });
    time.advance(2 * MINUTE);
    await expect(arrival('scheduler')).resolves.toEqual({ source: 'scheduler' });
  });
});

describe('deploying again', () => {
  const role = ({ Resources }: AnyTemplate) => Resources['IamRoleLambdaExecution']?.Properties ?? {};
  const failureQueue = () => cloud.stack(STACK)?.resources['Failures']?.ref ?? '';

  it('shows a permission that was taken away, and gives it back', async () => {
    await deploy((template) => {
      role(template)['Policies'] = JSON.parse(
        JSON.stringify(role(template)['Policies']).replaceAll('s3:PutObject', 's3:GetObject'),
      );
    });
    await forget('s3');
    await upload('uploads/denied.zip');
    const { body } = await cloud.services.queues.firstMessage(failureQueue());
    expect(JSON.parse(body)).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      responsePayload: { errorType: 'AccessDenied' },
    });
    await deploy();
    await upload('uploads/allowed.zip');
    await expect(arrival('s3')).resolves.toMatchObject({
      Records: [{ s3: { object: { key: 'uploads/allowed.zip' } } }],
    });
  });

  it('does not let S3 invoke a function without its permission', async () => {
    await deploy(({ Resources }) => {
      delete Resources['RecordLambdaPermissionScratchdevuploadsS3'];
      delete Resources['S3BucketScratchdevuploads']?.DependsOn;
    });
    await forget('s3');
    await upload('uploads/unheard.zip');
    await expect(recorded('s3')).resolves.toBeUndefined();
    await deploy();
  });

  it('changes code and environment of a function in place', async () => {
    const artifacts = join(scratch.stateDir, 'second');
    await mkdir(artifacts, { recursive: true });
    const zip = new ZipFile();
    zip.addBuffer(
      Buffer.from('exports.web = async () => JSON.stringify({ release: process.env.RELEASE });'),
      'handlers.js',
    );
    zip.end();
    await writeFile(join(artifacts, 'second.zip'), await buffer(zip.outputStream));
    const functionArn = cloud.stack(STACK)?.resources['WebLambdaFunction']?.attributes['Arn'];
    await cloud.deploy({
      stackName: STACK,
      artifacts,
      template: scratch.packaged.template,
      transform: (template) => {
        for (const { Type, Properties } of Object.values((template as AnyTemplate).Resources)) {
          if (Type !== 'AWS::Lambda::Function') continue;
          Properties['Code'] = { S3Bucket: { Ref: 'ServerlessDeploymentBucket' }, S3Key: 'v2/second.zip' };
          Properties['Environment'] = { Variables: { RELEASE: 'second' } };
        }
        deleteResources(template as AnyTemplate, 'AWS::Lambda::Version');
      },
    });
    await expect(getWeb()).resolves.toEqual({ status: 200, body: { release: 'second' } });
    expect(cloud.stack(STACK)?.resources['WebLambdaFunction']?.attributes['Arn']).toBe(functionArn);
    await deploy();
    await expect(getWeb()).resolves.toMatchObject({ body: { release: 'first' } });
  });

  it('undoes an update of which one part fails', async () => {
    const update = deploy(({ Resources }) => {
      const web = Resources['WebLambdaFunction'];
      if (web) web.Properties['Environment'] = { Variables: { RELEASE: 'third' } };
      Resources['Extra'] = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'extra' } };
      Resources['Broken'] = {
        Type: 'AWS::IoT::TopicRule',
        DependsOn: ['Extra', 'WebLambdaFunction'],
        Properties: {
          TopicRulePayload: { Sql: 'SELECT FROM nowhere', Actions: [] },
        },
      };
    });
    await expect(update).rejects.toMatchObject({
      name: 'UPDATE_FAILED',
      message: expect.stringMatching(/scratch-dev: Broken \(AWS::IoT::TopicRule\): .*rolled back/),
    });
    await expect(getWeb()).resolves.toMatchObject({ body: { release: 'first' } });
    expect(() => cloud.services.queues.messages('extra')).toThrow('no queue');
    expect(cloud.stack(STACK)?.resources['Extra']).toBeUndefined();
  });

  it('touches nothing when the template has something that it does not know', async () => {
    const before = cloud.stack(STACK);
    const unknown = deploy(({ Resources }) => {
      Resources['Table'] = { Type: 'AWS::DynamoDB::Table', Properties: {} };
      const bucket = Resources['Results'];
      if (bucket) bucket.Properties['WebsiteConfiguration'] = {};
      const web = Resources['WebLambdaFunction'];
      if (web) web.Properties['Handler'] = 'other.handler';
    });
    await expect(unknown).rejects.toThrow(
      /Results .*WebsiteConfiguration.*\n.*Table \(AWS::DynamoDB::Table\)/,
    );
    expect(cloud.stack(STACK)).toBe(before);
    const lambda = new LambdaClient(clientConfig(cloud.endpoints.lambda));
    const web = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'scratch-dev-web' }));
    expect(web.Handler).toBe('handlers.web');
    lambda.destroy();
  });

  it('removes what the template no longer has', async () => {
    await deploy((template) => deleteResources(template, 'AWS::IoT::TopicRule'));
    await forget('iot');
    const client = new IoTDataPlaneClient(clientConfig(cloud.endpoints.iotData));
    await client.send(new PublishCommand({ topic: 'things/pump/said', payload: Buffer.from('{"level":4}') }));
    await expect(recorded('iot')).resolves.toBeUndefined();
    client.destroy();
    await deploy();
  });
});

describe('starting again', () => {
  const WEB = 'scratch-dev-web';

  async function restart(): Promise<void> {
    await cloud.close();
    cloud = await start();
    s3.destroy();
    s3 = new S3Client(clientConfig(cloud.endpoints.s3));
  }

  function addAlias({ Resources }: AnyTemplate): void {
    const [id] = Object.entries(Resources).find(
      ([, { Type, Properties }]) =>
        Type === 'AWS::Lambda::Version' && JSON.stringify(Properties).includes('WebLambdaFunction'),
    ) ?? [''];
    Resources['WebAlias'] = {
      Type: 'AWS::Lambda::Alias',
      Properties: {
        FunctionName: { Ref: 'WebLambdaFunction' },
        FunctionVersion: { 'Fn::GetAtt': [id, 'Version'] },
        Name: 'live',
      },
    };
  }

  it('keeps a second cloud out of the folder', async () => {
    await expect(start()).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('has the objects of the last time, and the stack works on them', async () => {
    await s3.send(new PutObjectCommand({ Bucket: RESULTS, Key: 'kept.json', Body: '{"kept":true}' }));
    const authority = cloud.authority.certificatePem;
    await restart();
    await deploy();
    await expect(recorded('kept')).resolves.toEqual({ kept: true });
    expect(cloud.authority.certificatePem).toBe(authority);
    await expect(getWeb()).resolves.toMatchObject({ status: 200 });
  });

  it('deploys the stack onto its functions of the last time: same versions, same alias', async () => {
    await deploy(addAlias);
    const { lambda } = cloud.services;
    const before = [lambda.getFunction(WEB), lambda.getFunction(WEB, 'live')];
    const outputs = cloud.stack(STACK)?.outputs['WebLambdaFunctionQualifiedArn'];
    await restart();
    expect(cloud.services.lambda.getFunction(WEB)).toEqual(before[0]);
    await deploy(addAlias);
    const after = [undefined, 'live'].map((qualifier) => cloud.services.lambda.getFunction(WEB, qualifier));
    expect(after).toEqual(before);
    expect(cloud.stack(STACK)?.outputs['WebLambdaFunctionQualifiedArn']).toBe(outputs);
    await forget('s3');
    await upload('uploads/again.zip');
    await expect(arrival('s3')).resolves.toMatchObject({
      Records: [{ s3: { object: { key: 'uploads/again.zip' } } }],
    });
  });

  it('does not keep a permission that the template lost meanwhile', async () => {
    await restart();
    await deploy(({ Resources }) => {
      delete Resources['RecordLambdaPermissionScratchdevuploadsS3'];
      delete Resources['S3BucketScratchdevuploads']?.DependsOn;
    });
    await forget('s3');
    await upload('uploads/unheard-again.zip');
    await expect(recorded('s3')).resolves.toBeUndefined();
    await deploy();
  });
});

/** With what refers to them: their outputs and permissions. */
function deleteResources(template: AnyTemplate, type: string): void {
  const gone = Object.entries(template.Resources).flatMap(([id, resource]) =>
    resource.Type === type ? id : [],
  );
  const refersToGone = (part: unknown): boolean => {
    const text = JSON.stringify(part);
    return gone.some((id) => text.includes(`"${id}"`));
  };
  for (const part of [template.Resources, template.Outputs]) {
    for (const [id, value] of Object.entries(part)) {
      if (gone.includes(id) || refersToGone(value)) delete part[id];
    }
  }
}
