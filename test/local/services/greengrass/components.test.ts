import { createHash } from 'node:crypto';
import {
  CreateComponentVersionCommand,
  DeleteComponentCommand,
  DescribeComponentCommand,
  GetComponentCommand,
  ListComponentsCommand,
  ListComponentVersionsCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-greengrassv2';
import { MAX_RECIPE_BYTES, parseRecipe, type Recipe } from '../../../../protocol/greengrass/recipe';
import { until } from '../../../support/until';
import { ACCOUNT, REGION, allow, roleCredentials } from '../iotCore/harness';
import { failure, recipeOf, startRig, type GreengrassRig } from './rig';

let rig: GreengrassRig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const arnOf = (name: string, version = '1.0.0'): string =>
  `arn:aws:greengrass:${REGION}:${ACCOUNT}:components:${name}:versions:${version}`;
const create = (recipe: unknown, client = rig.client, clientToken?: string) =>
  client.send(
    new CreateComponentVersionCommand({
      inlineRecipe: Buffer.from(typeof recipe === 'string' ? recipe : JSON.stringify(recipe)),
      ...(clientToken !== undefined && { clientToken }),
    }),
  );
const describeComponent = (arn: string) => rig.client.send(new DescribeComponentCommand({ arn }));
const settled = (arn: string) =>
  until(`the end of ${arn}`, async () => {
    const found = await describeComponent(arn);
    return ['DEPLOYABLE', 'FAILED'].includes(found.status?.componentState ?? '') ? found : undefined;
  });
const withArtifact = (uri: string): Recipe =>
  recipeOf('com.example.hello', '1.0.0', {
    Manifests: [
      { Lifecycle: { run: 'node {artifacts:path}/hello.js' }, Artifacts: [{ Uri: uri, Unarchive: 'NONE' }] },
    ],
  });

test('a component version becomes deployable with the digests of its artifacts', async () => {
  rig.objects.set('code/hello.js', Buffer.from('hello'));
  const created = await create(withArtifact('s3://code/hello.js'));
  expect(created).toMatchObject({
    arn: arnOf('com.example.hello'),
    componentName: 'com.example.hello',
    componentVersion: '1.0.0',
    status: { componentState: 'REQUESTED', message: 'NONE', errors: {} },
  });
  expect(created.creationTimestamp).toBeInstanceOf(Date);
  expect((await settled(arnOf('com.example.hello'))).status).toMatchObject({ componentState: 'DEPLOYABLE' });

  const { recipe } = await rig.client.send(new GetComponentCommand({ arn: arnOf('com.example.hello') }));
  const digest = createHash('sha256').update('hello').digest('base64');
  expect(parseRecipe(recipe ?? '').Manifests[0]?.Artifacts).toEqual([
    { Uri: 's3://code/hello.js', Unarchive: 'NONE', Digest: digest, Algorithm: 'SHA-256' },
  ]);
});

test('an artifact that is not there fails the version, which can then be created anew', async () => {
  await create(withArtifact('s3://code/hello.js'));
  const { status } = await settled(arnOf('com.example.hello'));
  expect(status).toMatchObject({
    componentState: 'FAILED',
    errors: { 's3://code/hello.js': 'no hello.js in code' },
  });
  rig.objects.set('code/hello.js', Buffer.from('hello'));
  await create(withArtifact('s3://code/hello.js'));
  expect((await settled(arnOf('com.example.hello'))).status?.componentState).toBe('DEPLOYABLE');
});

test('artifacts are read with the permissions of who creates the component', async () => {
  rig.objects.set('code/hello.js', Buffer.from('hello'));
  const creator = rig.clientOf(roleCredentials(rig.test, [allow('greengrass:CreateComponentVersion', '*')]));
  await create(withArtifact('s3://code/hello.js'), creator);
  const { status } = await settled(arnOf('com.example.hello'));
  expect(status?.errors?.['s3://code/hello.js']).toContain('is not authorized to perform: s3:GetObject');
});

test('a version that exists is a conflict, a repeated request is not', async () => {
  const first = await create(recipeOf('com.example.a'), rig.client, 'token-1');
  const again = await create(recipeOf('com.example.a'), rig.client, 'token-1');
  expect(again.creationTimestamp).toEqual(first.creationTimestamp);
  await settled(arnOf('com.example.a'));
  await expect(create(recipeOf('com.example.a'))).rejects.toEqual(
    failure('ConflictException', {
      resourceId: arnOf('com.example.a'),
      resourceType: 'componentVersion',
      message: expect.stringContaining('already exists with state: [DEPLOYABLE]') as string,
    }),
  );
});

test.each<[string, unknown, string]>([
  ['not JSON', '{', 'not JSON'],
  ['an unknown field', { ...recipeOf('a'), Surprise: 1 }, 'Surprise'],
  ['an unknown step', { ...recipeOf('a'), Manifests: [{ Lifecycle: { begin: 'x' } }] }, 'begin'],
  ['another format', { ...recipeOf('a'), RecipeFormatVersion: '2021-01-01' }, 'RecipeFormatVersion'],
  ['a name with a slash', recipeOf('a/b'), 'ComponentName'],
  ['a version that is none', recipeOf('a', '1.0'), 'ComponentVersion'],
  [
    'startup and run',
    { ...recipeOf('a'), Manifests: [{ Lifecycle: { startup: 'x', run: 'y' } }] },
    'startup or run',
  ],
  [
    'a range that is none',
    { ...recipeOf('a'), ComponentDependencies: { b: { VersionRequirement: '?' } } },
    'range',
  ],
  [
    'a condition that is none',
    { ...recipeOf('a'), Manifests: [{ Lifecycle: { run: { Skipif: 'maybe' } } }] },
    'onpath',
  ],
  [
    'too many bytes',
    { ...recipeOf('a'), ComponentDescription: 'x'.repeat(MAX_RECIPE_BYTES) },
    'limit of 16384',
  ],
])('a recipe with %s is refused', async (_what, recipe, message) => {
  await expect(create(recipe)).rejects.toEqual(
    failure('ValidationException', { message: expect.stringContaining(message) as string }),
  );
});

test('lists the latest version of each component, and all versions of one, in pages', async () => {
  for (const version of ['1.0.0', '1.10.0', '1.9.0']) await create(recipeOf('com.example.a', version));
  await create(recipeOf('com.example.b'));
  const { components } = await rig.client.send(new ListComponentsCommand({}));
  expect(components?.map((one) => [one.componentName, one.latestVersion?.componentVersion])).toEqual([
    ['com.example.a', '1.10.0'],
    ['com.example.b', '1.0.0'],
  ]);
  const arn = `arn:aws:greengrass:${REGION}:${ACCOUNT}:components:com.example.a`;
  const first = await rig.client.send(new ListComponentVersionsCommand({ arn, maxResults: 2 }));
  expect(first.componentVersions?.map((one) => one.componentVersion)).toEqual(['1.10.0', '1.9.0']);
  const { nextToken } = first;
  const second = await rig.client.send(new ListComponentVersionsCommand({ arn, maxResults: 2, nextToken }));
  expect(second.componentVersions?.map((one) => one.componentVersion)).toEqual(['1.0.0']);
  expect(second.nextToken).toBeUndefined();
});

test('what is deleted is gone, what is created survives a restart', async () => {
  await create(recipeOf('com.example.a'));
  await settled(arnOf('com.example.a'));
  await create(recipeOf('com.example.b'));
  await settled(arnOf('com.example.b'));
  await rig.client.send(new DeleteComponentCommand({ arn: arnOf('com.example.a') }));
  await rig.restart();
  await expect(describeComponent(arnOf('com.example.a'))).rejects.toEqual(
    failure('ResourceNotFoundException', {
      resourceType: 'componentVersion',
      resourceId: 'com.example.a:1.0.0',
    }),
  );
  expect((await describeComponent(arnOf('com.example.b'))).status?.componentState).toBe('DEPLOYABLE');
});

test('tags are kept', async () => {
  await create(recipeOf('com.example.a'));
  const resourceArn = arnOf('com.example.a');
  await settled(resourceArn);
  await rig.client.send(new TagResourceCommand({ resourceArn, tags: { team: 'edge', stage: 'dev' } }));
  await rig.client.send(new UntagResourceCommand({ resourceArn, tagKeys: ['stage'] }));
  const { tags } = await rig.client.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(tags).toEqual({ team: 'edge' });
});

test('IAM decides, and a throttled request says so', async () => {
  const reader = rig.clientOf(roleCredentials(rig.test, [allow('greengrass:ListComponents', '*')]));
  await expect(create(recipeOf('com.example.a'), reader)).rejects.toEqual(failure('AccessDeniedException'));
  rig.throttled.add('ListComponents');
  await expect(reader.send(new ListComponentsCommand({}))).rejects.toEqual(failure('ThrottlingException'));
  rig.throttled.clear();
  await expect(reader.send(new ListComponentsCommand({}))).resolves.toMatchObject({ components: [] });
});
