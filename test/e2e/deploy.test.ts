import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  AttachThingPrincipalCommand,
  CreateThingCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
  ListThingsCommand,
} from '@aws-sdk/client-iot';
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListObjectVersionsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  createOperator,
  functionPackage,
  type LocalCloud,
  type Operator,
  readPackagedService,
  startLocalCloud,
} from '../../local';
import { MADE_BY } from '../../protocol';
import { serviceOutputs, type ServiceOutputs } from '../../operations/outputs';
import { emptyUpdate } from '../../operations/groups/groupUpdate';
import type { GroupDefinition } from '../../protocol';
import { registerPackages } from '../../operations/packages/registerPackages';
import { packageTemplate } from '../support/packaged';
import { sls, type SlsResult } from '../support/sls';
import { startThrottled } from '../support/throttled';
import {
  startStandInCloudFormation,
  WITHOUT_CLOUD_FORMATION,
  type StandIn,
} from '../support/standInCloudFormation';

/**
 * What the plugin does after `sls deploy` and before `sls remove`, by the framework's command line. The
 * stack itself is deployed by the local cloud, which takes the compiled template.
 */
const MINUTE = 60_000;
const STACK = 'edge-demo-dev';
const GROUP = 'workshop';

let folder: string;
let serviceDir: string;
let cloud: LocalCloud;
let standIn: StandIn;
let operator: Operator;
let outputs: ServiceOutputs;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'edge-deploy-'));
  const service = await packageTemplate(
    (yaml) =>
      yaml
        .replace('plugins:\n', 'plugins:\n  - ./withoutCloudFormation.cjs\n')
        .replace('[sensor-1, sensor-2]', "[sensor-1, 'pump-*']"),
    { 'withoutCloudFormation.cjs': WITHOUT_CLOUD_FORMATION },
  );
  serviceDir = service.serviceDir;
  cloud = await startLocalCloud({ stateDir: path.join(folder, 'cloud') });
  standIn = await startStandInCloudFormation(cloud);
  await deployStack(service.directory);
  operator = createOperator(cloud.environment());
}, MINUTE);

afterAll(async () => {
  operator?.close();
  await standIn?.close();
  await cloud?.close();
  for (const each of [folder, serviceDir]) if (each) await rm(each, { recursive: true, force: true });
});

async function deployStack(directory: string): Promise<void> {
  const { stackName, template, artifactsDir } = await readPackagedService(directory);
  const stack = await cloud.deploy({ stackName, template, artifacts: artifactsDir });
  outputs = serviceOutputs(stack.outputs);
}

const run = (...args: string[]): Promise<SlsResult> => runWith({}, ...args);

const runWith = (env: NodeJS.ProcessEnv, ...args: string[]): Promise<SlsResult> =>
  sls(serviceDir, args, { ...cloud.environment(), AWS_ENDPOINT_URL: standIn.url, ...env });

const definition = (): Promise<GroupDefinition | undefined> =>
  operator.definition(outputs.stateBucket, GROUP);

function client<T>(Client: new (config: object) => T, name: string): T {
  const variables = cloud.environment();
  return new Client({
    region: cloud.region,
    endpoint: variables[`AWS_ENDPOINT_URL_${name}`],
    credentials: {
      accessKeyId: variables['AWS_ACCESS_KEY_ID'],
      secretAccessKey: variables['AWS_SECRET_ACCESS_KEY'],
    },
  });
}

describe('after sls deploy', () => {
  it(
    'registers what was packaged, stores the groups and says what is missing',
    async () => {
      const { code, stdout, stderr } = await run('deploy', '--package', 'packaged');
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) as string });
      expect(stdout).toContain('+ smoothSignal 1.0.0');
      expect(stdout).toContain(
        '! edge-demo-dev-workshop-core has no certificate: sls edge core init --group workshop',
      );
      expect(stdout).toContain('! sensor-1 has no certificate');
      expect(stdout).not.toContain('pump');
      expect(stdout).toMatch(/detectAnomaly\s+1\.2\.0\s+new/);
      expect(stdout).toContain(outputs.httpApiUrl);
      expect(await definition()).toMatchObject({
        revision: 1,
        devices: {},
        statics: { smoothSignal: { version: '1.0.0' } },
        limits: { instances: 64 },
      });
    },
    MINUTE,
  );

  it(
    'finds things by name and pattern, with the certificate that they have now',
    async () => {
      const { corePolicy, devicePolicy } = outputs;
      const core = await operator.provisionThing({
        thingName: 'edge-demo-dev-workshop-core',
        policyName: corePolicy,
      });
      const pump = await operator.provisionThing({ thingName: 'pump-1', policyName: devicePolicy });
      const sensor = await operator.provisionThing({ thingName: 'sensor-1', policyName: devicePolicy });
      const { stdout } = await run('deploy', '--package', 'packaged');
      expect(stdout).toMatch(/\+ core edge-demo-dev-workshop-core certificate/);
      expect(stdout).toMatch(/\+ device pump-1/);
      expect(stdout).not.toContain('has no certificate');
      expect(stdout).toMatch(/detectAnomaly\s+1\.2\.0\s+unchanged/);
      expect(await definition()).toMatchObject({
        core: { thingName: 'edge-demo-dev-workshop-core', certificateId: core.certificateId },
        devices: {
          'pump-1': { certificateId: pump.certificateId },
          'sensor-1': { certificateId: sensor.certificateId },
        },
      });
      // A younger certificate does not take the place of one that is in use.
      await operator.provisionThing({ thingName: 'pump-1', policyName: devicePolicy });
      expect((await run('deploy', '--package', 'packaged')).stdout).toContain('workshop: nothing changed');
    },
    2 * MINUTE,
  );

  it(
    'waits where AWS IoT is asked too much',
    async () => {
      const url = cloud.environment()['AWS_ENDPOINT_URL_IOT'] ?? '';
      // More often than the framework would put up with.
      const throttled = await startThrottled(url, /^\/things\/sensor-1\/principals/, 2);
      try {
        const { code, stdout } = await runWith(
          { AWS_ENDPOINT_URL_IOT: throttled.url, SLS_AWS_REQUEST_MAX_RETRIES: '1' },
          ...['deploy', '--package', 'packaged'],
        );
        expect({ code, stdout }).toMatchObject({ code: 0 });
        expect(stdout).toContain('workshop: nothing changed');
        expect(throttled.refused()).toBe(2);
      } finally {
        await throttled.close();
      }
    },
    2 * MINUTE,
  );

  it(
    'keeps what devices brought in',
    async () => {
      const index = await operator.functionIndex(outputs.stateBucket, 'detectAnomaly');
      const manifest = index?.versions['1.2.0']?.manifest;
      if (manifest === undefined) throw new Error('nothing is deployed');
      const meta = { requestId: 'claim-1', receivedAt: new Date().toISOString(), operator: 'test' };
      await operator.submitUpdate(outputs.stateBucket, {
        ...emptyUpdate(GROUP, meta),
        claims: { 'sensor-1/detectAnomaly': { version: '1.2.0', seq: 1 } },
        functions: { 'detectAnomaly@1.2.0': manifest },
      });
      await operator.waitForDefinition(
        outputs.stateBucket,
        GROUP,
        ({ claims }) => Object.keys(claims).length > 0,
      );

      await edit(['pinned: true', 'pinned: false']);
      const { code, stdout } = await run('deploy');
      expect({ code, stdout }).toMatchObject({ code: 0 });
      expect(stdout).toContain('~ smoothSignal 1.0.0 → 1.0.1');
      expect(stdout).toContain('= kept, as devices asked for it: detectAnomaly@1.2.0 (sensor-1)');
      expect((await definition())?.claims).toEqual({
        'sensor-1/detectAnomaly': { version: '1.2.0', seq: 1 },
      });
    },
    2 * MINUTE,
  );

  it(
    'fails with the reason when the registry refuses a package, and leaves the groups alone',
    async () => {
      const before = await definition();
      const source = path.join(serviceDir, 'examples', 'sensors', 'detectAnomaly.ts');
      await writeFile(source, `${await readFile(source, 'utf8')}\nexport const other = 1;\n`);
      await edit(['functions: [smoothSignal]', 'functions: []']);
      const { code, stdout } = await run('deploy');
      expect(code).toBe(1);
      expect(stdout).toMatch(/the registry refused detectAnomaly: .*\(VERSION_CONFLICT\)/);
      expect(await definition()).toEqual(before);
      await edit(['functions: []', 'functions: [smoothSignal]'], ['version: 1.2.0', 'version: 1.3.0']);
      expect((await run('deploy')).stdout).toMatch(/detectAnomaly\s+1\.3\.0\s+new/);
    },
    3 * MINUTE,
  );

  it(
    'says what to do where nothing is deployed',
    async () => {
      const { code, stdout } = await run('edge', 'groups', '--stage', 'prod');
      expect(code).toBe(1);
      expect(stdout).toContain('no stack edge-demo-prod in eu-west-1');
      expect(stdout).toContain('sls deploy');
    },
    MINUTE,
  );
});

describe('before sls remove', () => {
  const iot = () => client(IoTClient, 'IOT');

  it(
    'names the groups that are alive, and removes what the service made and nothing else',
    async () => {
      const added = await run('edge', 'device', 'add', '--name', 'own-1', '--group', GROUP, '--json');
      expect(added.code).toBe(0);
      await reportOfCore();
      // In the cloud, made from its package: the stack does not know of it.
      const config = { name: 'forecast', handler: 'index.handler', locations: ['cloud'] };
      const bytes = await functionPackage({ 'index.js': 'exports.handler = async () => 1;' }, config);
      await registerPackages({ operator, outputs }, [{ name: 'forecast', bytes }]);
      expect(await lambdaFunctions()).toContain(`${STACK}-edge-forecast`);
      const foreign = await operator.provisionThing({
        thingName: 'foreign',
        policyName: outputs.devicePolicy,
      });

      // Made by the service, and left without a certificate or with one of somebody else's alone.
      const { corePrefix } = outputs;
      const attributePayload = { attributes: { [MADE_BY]: corePrefix } };
      await iot().send(new CreateThingCommand({ thingName: 'own-2', attributePayload }));
      await iot().send(new CreateThingCommand({ thingName: 'own-3', attributePayload }));
      const principal = await operator.certificateArn(foreign.certificateId);
      await iot().send(new AttachThingPrincipalCommand({ thingName: 'own-3', principal }));

      const s3 = client(S3Client, 'S3');
      const versions = (Bucket: string) => s3.send(new ListObjectVersionsCommand({ Bucket }));
      // Requests that were absorbed are deleted, definitions are written over: the bucket keeps both.
      const kept = await versions(outputs.stateBucket);
      expect(kept.DeleteMarkers?.length).toBeGreaterThan(0);
      expect(kept.Versions?.some(({ IsLatest }) => !IsLatest)).toBe(true);

      const { code, stdout, stderr } = await run('remove');
      expect({ code, stdout }).toMatchObject({ code: 0 });
      expect(stderr).toMatch(/group workshop is alive: core edge-demo-dev-workshop-core, last seen/);

      // What a core said while all that happened, and AWS IoT delivers late.
      await sayAs('edge-demo-dev-workshop-core', 'status', '{"slot":"00"}');
      await sayAs('edge-demo-dev-workshop-core', 'log', '{"at":1,"seq":1}');
      await sayAs('edge-demo-dev-workshop-core', 'update', '{}');
      await cloud.idle();
      for (const Bucket of [outputs.functionsBucket, outputs.stateBucket]) {
        const { Versions = [], DeleteMarkers = [] } = await versions(Bucket);
        expect([...Versions, ...DeleteMarkers]).toEqual([]);
        // As CloudFormation does next.
        await cloud.services.s3.deleteBucket(Bucket);
      }
      const { things = [] } = await iot().send(new ListThingsCommand({}));
      const names = things.map(({ thingName }) => thingName).sort();
      expect(names).toEqual(['edge-demo-dev-workshop-core', 'foreign', 'pump-1', 'sensor-1']);
      expect(things.filter(({ attributes }) => attributes?.[MADE_BY])).toEqual([]);
      const arn = await operator.certificateArn(foreign.certificateId);
      const { policies } = await iot().send(new ListAttachedPoliciesCommand({ target: arn }));
      expect(policies).toEqual([]);
      expect(await operator.activeCertificatesOf('foreign')).toEqual([foreign.certificateId]);
      expect(await lambdaFunctions()).toContain(`${STACK}-createFunction`);
      expect(await lambdaFunctions()).not.toContain(`${STACK}-edge-forecast`);

      // CloudFormation may stop half-way: the stack is there still, the buckets are not.
      const again = await run('remove');
      expect({ code: again.code, stdout: again.stdout }).toMatchObject({ code: 0 });
      expect(again.stderr).toContain('Removed 0 objects, 0 functions');
    },
    2 * MINUTE,
  );

  it(
    'is no error where nothing is deployed',
    async () => {
      expect(await run('remove', '--stage', 'prod')).toMatchObject({ code: 0 });
    },
    MINUTE,
  );
});

async function edit(...changes: [string, string][]): Promise<void> {
  const file = path.join(serviceDir, 'serverless.yml');
  let yaml = await readFile(file, 'utf8');
  for (const [from, to] of changes) {
    if (!yaml.includes(from)) throw new Error(`serverless.yml has no "${from}"`);
    yaml = yaml.replace(from, to);
  }
  await writeFile(file, yaml);
}

async function lambdaFunctions(): Promise<(string | undefined)[]> {
  const { Functions = [] } = await client(LambdaClient, 'LAMBDA').send(new ListFunctionsCommand({}));
  return Functions.map(({ FunctionName }) => FunctionName);
}

async function sayAs(core: string, kind: string, payload: string): Promise<void> {
  const topic = `${outputs.corePrefix}/core/${core}/${kind}`;
  const data = client(IoTDataPlaneClient, 'IOT_DATA_PLANE');
  await data.send(new PublishCommand({ topic, payload: Buffer.from(payload) }));
}

/** As a rule stores what a core reports. */
async function reportOfCore(): Promise<void> {
  const [boot, seq] = [String(Date.now()).padStart(13, '0'), '1'.padStart(10, '0')];
  const at = new Date().toISOString();
  const status = {
    core: 'edge-demo-dev-workshop-core',
    group: GROUP,
    boot,
    seq,
    slot: '00',
    at,
    heartbeat: 60,
    state: 'ready',
    revision: 1,
    functions: [],
  };
  await client(S3Client, 'S3').send(
    new PutObjectCommand({
      Bucket: outputs.stateBucket,
      Key: 'status/edge-demo-dev-workshop-core/00.json',
      Body: JSON.stringify(status),
    }),
  );
}
