import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import {
  AddThingToThingGroupCommand,
  CreateThingGroupCommand,
  IoTClient,
  RemoveThingFromThingGroupCommand,
} from '@aws-sdk/client-iot';
import { until } from '../../support/until';
import { BUCKET, CORE, isAlive, startCore, type TestCore } from './core';

const A = 'com.example.a';
const B = 'com.example.b';
const ONE = { componentVersion: '1.0.0' };
const TWO = { componentVersion: '2.0.0' };
/** Says its process id, then runs. */
const RUN = 'echo $$ > pid; echo $$ >> pids; exec sleep 1000';

let core: TestCore;
beforeEach(async () => {
  core = await startCore();
});
afterEach(() => core.close());

/** Of the process that runs now; `after`: of the one that follows it. A script writes when it has begun. */
const pidOf = (component: string, after = 0): Promise<number> =>
  until(`the process of ${component}`, async () => {
    const pid = Number(await core.workFile(component, 'pid'));
    return pid > 0 && pid !== after ? pid : undefined;
  });
/** Once there are that many. */
const linesOf = (component: string, file: string, count = 1): Promise<string[]> =>
  until(`${count} lines in ${file}`, async () => {
    const lines = (await core.workFile(component, file)).split('\n').slice(0, -1);
    return lines.length >= count ? lines : undefined;
  });
const put = (key: string, body: Buffer | string) =>
  core.cloud.services.s3.putObject(BUCKET, key, Buffer.from(body));

async function zipOf(files: Record<string, string>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  return buffer(zip.outputStream);
}

test('a component is installed, runs with the environment of a core, and is shut down', async () => {
  await core.component(A, '1.0.0', {
    Setenv: { FROM: 'lifecycle' },
    install: { Script: 'echo installed >> log', Timeout: 10 },
    run: { Script: `env > environment; ${RUN}`, Setenv: { OWN: '{iot:thingName} {work:path}' } },
    shutdown: 'echo bye >> log',
  });
  const done = await core.deploy({
    [A]: ONE,
    'aws.greengrass.TokenExchangeService': { componentVersion: '2.0.3' },
  });
  expect(done).toMatchObject({ coreDeviceExecutionStatus: 'COMPLETED', reason: 'SUCCESSFUL' });
  expect(await core.installed()).toEqual({
    [`${A}:1.0.0`]: 'RUNNING',
    'aws.greengrass.TokenExchangeService:2.0.3': 'RUNNING',
  });

  const environment = Object.fromEntries(
    (await linesOf(A, 'environment')).map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const socket = `${core.root}/ipc.socket`;
  expect(environment).toMatchObject({
    SVCUID: expect.stringMatching(/^[0-9A-F]{32}$/) as string,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: environment['SVCUID'],
    AWS_CONTAINER_CREDENTIALS_FULL_URI: expect.stringMatching(
      /^http:\/\/localhost:\d+\/2016-11-01\/credentialprovider\/$/,
    ) as string,
    AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: socket,
    AWS_IOT_THING_NAME: CORE,
    AWS_REGION: core.cloud.region,
    GGC_VERSION: '2.15.0',
    FROM: 'lifecycle',
    OWN: `${CORE} ${core.root}/work/${A}`,
  });
  expect(environment['AWS_ACCESS_KEY_ID']).toBeUndefined();

  const pid = await pidOf(A);
  await core.deploy({});
  expect(await linesOf(A, 'log', 2)).toEqual(['installed', 'bye']);
  expect(isAlive(pid)).toBe(false);
  expect(await core.installed()).toEqual({});
});

test('what a deployment leaves out goes only once everything new runs, and stays when that fails', async () => {
  const shutdown = `cp ${core.root}/work/${B}/mark seen`;
  await core.component(A, '1.0.0', { run: RUN, shutdown });
  await core.component(B, '1.0.0', { startup: 'echo up > mark' });
  await core.component(B, '2.0.0', { startup: 'exit 1' });
  await core.deploy({ [A]: ONE });
  const pid = await pidOf(A);

  const refused = await core.deploy({ [B]: TWO });
  expect(refused).toMatchObject({ reason: expect.stringContaining('FAILED_ROLLBACK_COMPLETE') as string });
  expect(isAlive(pid)).toBe(true);
  expect(await core.installed()).toEqual({ [`${A}:1.0.0`]: 'RUNNING' });

  await core.deploy({ [B]: ONE });
  expect(await linesOf(A, 'seen')).toEqual(['up']);
  expect(isAlive(pid)).toBe(false);
});

test('artifacts are downloaded, checked and unzipped', async () => {
  await put('app/app.zip', await zipOf({ 'bin/hello.js': 'console.log("hello " + process.argv[2])' }));
  await put('app/data.txt', 'data\n');
  const Artifacts = [
    { Uri: `s3://${BUCKET}/app/app.zip`, Unarchive: 'ZIP' as const },
    { Uri: `s3://${BUCKET}/app/data.txt` },
  ];
  const run = `"${process.execPath}" {artifacts:decompressedPath}/app/bin/hello.js {configuration:/name} > out && cat {artifacts:path}/data.txt >> out`;
  await core.component(
    A,
    '1.0.0',
    {},
    {
      ComponentConfiguration: { DefaultConfiguration: { name: 'core' } },
      Manifests: [{ Lifecycle: { run }, Artifacts }],
    },
  );
  await core.deploy({ [A]: ONE });
  await core.state(A, 'FINISHED');
  expect(await linesOf(A, 'out', 2)).toEqual(['hello core', 'data']);
});

test('an artifact with another content than at creation changes nothing on the core', async () => {
  await put('a.txt', 'as it was');
  await core.component(
    A,
    '1.0.0',
    {},
    { Manifests: [{ Lifecycle: { run: RUN }, Artifacts: [{ Uri: `s3://${BUCKET}/a.txt` }] }] },
  );
  await put('a.txt', 'tampered with');
  await core.component(B, '1.0.0', { run: RUN });
  expect(await core.deploy({ [A]: ONE, [B]: ONE })).toMatchObject({
    coreDeviceExecutionStatus: 'FAILED',
    reason: expect.stringMatching(/^ARTIFACT_CHECKSUM_MISMATCH: FAILED_NO_STATE_CHANGE: /) as string,
    statusDetails: {
      errorStack: ['DEPLOYMENT_FAILURE', 'ARTIFACT_DOWNLOAD_ERROR', 'ARTIFACT_CHECKSUM_MISMATCH'],
    },
  });
  expect(await core.installed()).toEqual({});
});

test('an artifact that the token exchange role may not read says so', async () => {
  await core.cloud.services.s3.createBucket('elsewhere');
  await core.cloud.services.s3.putObject('elsewhere', 'a.txt', 'x');
  await core.component(
    A,
    '1.0.0',
    {},
    { Manifests: [{ Lifecycle: { run: RUN }, Artifacts: [{ Uri: 's3://elsewhere/a.txt' }] }] },
  );
  expect(await core.deploy({ [A]: ONE })).toMatchObject({
    coreDeviceExecutionStatus: 'FAILED',
    statusDetails: {
      errorStack: [
        'DEPLOYMENT_FAILURE',
        'ARTIFACT_DOWNLOAD_ERROR',
        'S3_ERROR',
        'S3_GET_OBJECT_ACCESS_DENIED',
      ],
      errorTypes: ['DEPENDENCY_ERROR', 'PERMISSION_ERROR'],
    },
  });
});

test('only what changed is touched', async () => {
  const configured = { ComponentConfiguration: { DefaultConfiguration: { revision: 1, text: 'one' } } };
  await core.component(
    A,
    '1.0.0',
    { install: 'echo installed >> log', run: `echo {configuration:/text} >> log; ${RUN}` },
    configured,
  );
  await core.component(B, '1.0.0', { run: RUN });
  await core.component(B, '2.0.0', { run: RUN });
  await core.deploy({ [A]: ONE });
  const first = await pidOf(A);

  await core.deploy({ [A]: { ...ONE, configurationUpdate: { merge: '{"revision":2}' } }, [B]: ONE });
  expect(await pidOf(A)).toBe(first);
  const b = await pidOf(B);

  await core.deploy({ [A]: { ...ONE, configurationUpdate: { merge: '{"text":"two"}' } }, [B]: ONE });
  expect(await linesOf(A, 'log', 3)).toEqual(['installed', 'one', 'two']);
  expect(isAlive(first)).toBe(false);
  expect(await pidOf(B)).toBe(b);

  const second = await pidOf(A, first);
  // What was merged once stays merged.
  await core.deploy({ [A]: ONE, [B]: TWO });
  expect(await pidOf(A)).toBe(second);
  expect(isAlive(b)).toBe(false);
  expect(await core.installed()).toEqual({ [`${A}:1.0.0`]: 'RUNNING', [`${B}:2.0.0`]: 'RUNNING' });

  await core.deploy({ [A]: { ...ONE, configurationUpdate: { reset: ['/text'] } }, [B]: TWO });
  expect(await linesOf(A, 'log', 4)).toEqual(['installed', 'one', 'two', 'one']);
});

test('a version that breaks is rolled back to the one before', async () => {
  await core.lookLate();
  await core.component(A, '1.0.0', { run: RUN });
  await core.component(A, '2.0.0', { run: 'echo broken >> log; exit 3' });
  await core.component(B, '1.0.0', { run: RUN });
  await core.deploy({ [A]: { ...ONE, configurationUpdate: { merge: '{"n":1}' } }, [B]: ONE });
  const b = await pidOf(B);
  const failure = await core.deploy({ [A]: { ...TWO, configurationUpdate: { merge: '{"n":2}' } }, [B]: ONE });
  expect(failure).toMatchObject({
    coreDeviceExecutionStatus: 'FAILED',
    reason: `COMPONENT_BROKEN: FAILED_ROLLBACK_COMPLETE: Service ${A} in broken state after deployment: run exited with 3`,
    statusDetails: {
      errorStack: ['DEPLOYMENT_FAILURE', 'COMPONENT_UPDATE_ERROR', 'COMPONENT_BROKEN'],
      errorTypes: ['USER_COMPONENT_ERROR'],
    },
  });
  expect(await linesOf(A, 'log', 3)).toEqual(['broken', 'broken', 'broken']);
  expect(await core.installed()).toEqual({ [`${A}:1.0.0`]: 'RUNNING', [`${B}:1.0.0`]: 'RUNNING' });
  expect(await pidOf(B)).toBe(b);
});

test('with DO_NOTHING the broken version stays, and a later deployment mends it', async () => {
  await core.component(A, '1.0.0', { install: 'exit 1', run: RUN });
  await core.component(A, '2.0.0', { run: RUN });
  const failure = await core.deploy(
    { [A]: ONE },
    { deploymentPolicies: { failureHandlingPolicy: 'DO_NOTHING' } },
  );
  expect(failure.reason).toMatch(
    /^COMPONENT_BROKEN: FAILED_ROLLBACK_NOT_REQUESTED: .* install exited with 1$/,
  );
  expect(await core.installed()).toEqual({ [`${A}:1.0.0`]: 'BROKEN' });
  await core.deploy({ [A]: TWO });
  expect(await core.installed()).toEqual({ [`${A}:2.0.0`]: 'RUNNING' });
});

test('dependencies come along, start first, and take those that need them along', async () => {
  const needs = (DependencyType: 'HARD' | 'SOFT') => ({
    ComponentDependencies: { [A]: { VersionRequirement: '^1.0.0', DependencyType } },
  });
  await core.component(A, '1.0.0', { startup: 'sleep 0.3; date +%s%N > started' });
  await core.component(A, '1.1.0', { startup: 'date +%s%N > started' });
  await core.component(B, '1.0.0', { run: `cat {${A}:work:path}/started > seen; ${RUN}` }, needs('HARD'));
  await core.component('com.example.c', '1.0.0', { run: RUN }, needs('SOFT'));
  await core.deploy({ [A]: ONE, [B]: ONE, 'com.example.c': ONE });
  expect(await core.workFile(B, 'seen')).toBe(await core.workFile(A, 'started'));
  const [hard, soft] = [await pidOf(B), await pidOf('com.example.c')];

  await core.deploy({ [A]: { componentVersion: '1.1.0' }, [B]: ONE, 'com.example.c': ONE });
  expect(await pidOf('com.example.c')).toBe(soft);
  expect(isAlive(hard)).toBe(false);

  // Not named any more, but still needed: the newest version that fits.
  await core.deploy({ [B]: ONE });
  expect(await core.installed()).toEqual({ [`${A}:1.1.0`]: 'RUNNING', [`${B}:1.0.0`]: 'RUNNING' });
});

test('requirements that nothing meets fail the deployment before anything changes', async () => {
  await core.component(A, '1.0.0', { run: RUN });
  await core.component(
    B,
    '1.0.0',
    { run: RUN },
    { ComponentDependencies: { [A]: { VersionRequirement: '>=2.0.0' } } },
  );
  expect(await core.deploy({ [B]: ONE })).toMatchObject({
    reason: expect.stringContaining(
      `FAILED_NO_STATE_CHANGE: No local or cloud component version satisfies the requirements of ${A}: ${B} requires >=2.0.0`,
    ) as string,
    statusDetails: { errorStack: expect.arrayContaining(['NO_AVAILABLE_COMPONENT_VERSION']) as string[] },
  });
  expect((await core.deploy({ [A]: TWO })).coreDeviceExecutionStatus).toBe('FAILED');
  await core.component('x', '1.0.0', {}, { ComponentDependencies: { y: { VersionRequirement: '*' } } });
  await core.component('y', '1.0.0', {}, { ComponentDependencies: { x: { VersionRequirement: '*' } } });
  expect((await core.deploy({ x: ONE })).reason).toContain('Circular dependency: x → y → x');
  await core.component('windows', '1.0.0', {}, { Manifests: [{ Platform: { os: 'windows' } }] });
  expect((await core.deploy({ windows: ONE })).reason).toContain('does not claim compatibility');
});

test('deployments to the thing and to its groups add up', async () => {
  const { AWS_ENDPOINT_URL_IOT: endpoint = '', ...variables } = core.cloud.environment();
  const credentials = {
    accessKeyId: variables['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: variables['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  const iot = new IoTClient({ region: core.cloud.region, endpoint, credentials });
  const member = { thingGroupName: 'fleet', thingName: CORE };
  const targetArn = `arn:aws:iot:${core.cloud.region}:${core.cloud.account}:thinggroup/fleet`;
  await iot.send(new CreateThingGroupCommand({ thingGroupName: 'fleet' }));
  await iot.send(new AddThingToThingGroupCommand(member));
  for (const name of [A, B]) await core.component(name, '1.0.0', { run: RUN });
  await core.deploy({ [A]: ONE });
  expect((await core.deploy({ [B]: ONE }, { targetArn })).coreDeviceExecutionStatus).toBe('SUCCEEDED');
  expect(Object.keys(await core.installed())).toEqual([`${A}:1.0.0`, `${B}:1.0.0`]);
  await core.deploy({}, { targetArn });
  expect(Object.keys(await core.installed())).toEqual([`${A}:1.0.0`]);
  await core.deploy({ [B]: ONE }, { targetArn });
  await iot.send(new RemoveThingFromThingGroupCommand(member));
  iot.destroy();
  await core.deploy({ [A]: ONE });
  expect(Object.keys(await core.installed())).toEqual([`${A}:1.0.0`]);
});

test('a component that breaks later is started again, and given up after the third time', async () => {
  await core.component(A, '1.0.0', { run: RUN, recover: 'echo recovered >> log' });
  await core.deploy({ [A]: ONE });
  for (const crash of [1, 2, 3]) {
    const pid = await until('the next process', async () => {
      const pids = await linesOf(A, 'pids');
      return pids.length === crash ? Number(pids.at(-1)) : undefined;
    });
    process.kill(pid, 'SIGKILL');
  }
  await core.state(A, 'BROKEN');
  expect(await linesOf(A, 'log', 2)).toEqual(['recovered', 'recovered']);
  await until('the report', async () =>
    (await core.installed())[`${A}:1.0.0`] === 'BROKEN' ? true : undefined,
  );
});

test('no component outlives a nucleus that was killed; the next one starts them again', async () => {
  await core.component(A, '1.0.0', { install: 'echo installed >> log', run: `sleep 1000 & ${RUN}` });
  await core.deploy({ [A]: { ...ONE, configurationUpdate: { merge: '{"kept":true}' } } });
  const pid = await pidOf(A);
  await core.nucleus.kill();
  await until('the end of the component', () => (isAlive(pid) ? undefined : true));
  await core.startNucleus();
  await core.state(A, 'RUNNING');
  const next = await pidOf(A, pid);
  expect(await linesOf(A, 'log')).toEqual(['installed', 'installed']);
  expect(await core.installed()).toMatchObject({ [`${A}:1.0.0`]: expect.any(String) as string });
  expect((await core.nucleus.stop()).code).toBe(0);
  expect(isAlive(next)).toBe(false);
});

test('a large configuration reaches the component', async () => {
  const text = 'x'.repeat(9_000);
  await core.component(A, '1.0.0', { run: 'printf %s "{configuration:/text}" | wc -c > size' });
  await core.deploy({ [A]: { ...ONE, configurationUpdate: { merge: JSON.stringify({ text }) } } });
  expect(Number(await core.workFile(A, 'size'))).toBe(9_000);
});
