import { accessControlSchema } from '../../../protocol/greengrass/accessControl';
import {
  encodeRecipe,
  MAX_RECIPE_BYTES,
  parseRecipe,
  type Recipe,
} from '../../../protocol/greengrass/recipe';

const MINIMAL: Recipe = {
  RecipeFormatVersion: '2020-01-25',
  ComponentName: 'com.example.HelloWorld',
  ComponentVersion: '1.0.0',
  Manifests: [{}],
};
const parsed = (more: object): Recipe => parseRecipe(JSON.stringify({ ...MINIMAL, ...more }));
const lifecycleOf = (Lifecycle: object) => parsed({ Manifests: [{ Lifecycle }] }).Manifests[0]?.Lifecycle;

test('every field of the reference is taken', () => {
  const whole: Recipe = {
    ...MINIMAL,
    ComponentType: 'aws.greengrass.generic',
    ComponentDescription: 'My first component.',
    ComponentPublisher: 'Example',
    ComponentConfiguration: { DefaultConfiguration: { message: 'world', accessControl: {} } },
    ComponentDependencies: {
      'aws.greengrass.TokenExchangeService': { VersionRequirement: '>=2.0.0 <3.0.0', DependencyType: 'HARD' },
      other: { VersionRequirement: '~1.2' },
    },
    Manifests: [
      {
        Name: 'Linux',
        Platform: { os: 'linux', architecture: '/(amd64|aarch64)/', 'architecture.detail': '*' },
        Lifecycle: {
          Setenv: { A: '1' },
          install: {
            Script: 'npm ci',
            Skipif: 'onpath node',
            RequiresPrivilege: true,
            Timeout: 60,
            Setenv: { B: '2' },
          },
          run: 'node index.js',
          shutdown: { Script: 'true' },
          recover: 'true',
          bootstrap: { Script: 'true', BootstrapOnRollback: true },
        },
        Selections: ['all'],
        Artifacts: [
          {
            Uri: 's3://bucket/key.zip',
            Unarchive: 'ZIP',
            Permission: { Read: 'ALL', Execute: 'OWNER' },
            Digest: 'x',
            Algorithm: 'SHA-256',
          },
        ],
      },
    ],
    Lifecycle: { startup: 'true' },
  };
  expect(parseRecipe(encodeRecipe(whole))).toEqual(whole);
});

test('steps and their fields are read in any case, and values as text', () => {
  expect(
    lifecycleOf({
      SETENV: { PORT: 80 },
      Install: { script: 'a', skipIf: 'exists /x', timeout: '5', requiresPrivilege: 'true' },
      Run: 'b',
    }),
  ).toEqual({
    Setenv: { PORT: '80' },
    install: { Script: 'a', Skipif: 'exists /x', Timeout: 5, RequiresPrivilege: true },
    run: 'b',
  });
});

test.each<[object, string]>([
  [{ Surprise: 1 }, 'Surprise'],
  [{ ComponentName: 'a b' }, 'ComponentName'],
  [{ ComponentName: 'x'.repeat(129) }, 'ComponentName'],
  [{ ComponentVersion: 'v1.0.0' }, 'ComponentVersion'],
  [{ Manifests: [] }, 'Manifests'],
  [{ Manifests: [{ Artifacts: [{ Uri: 'https://x' }] }] }, 'Manifests.0.Artifacts.0.Uri'],
  [
    { Manifests: [{ Artifacts: [{ Uri: 's3://a/b', Unarchive: 'TAR' }] }] },
    'Manifests.0.Artifacts.0.Unarchive',
  ],
  [
    { ComponentDependencies: { a: { VersionRequirement: 'x.y' } } },
    'ComponentDependencies.a.VersionRequirement',
  ],
  [{ ComponentConfiguration: { Defaults: {} } }, 'ComponentConfiguration.Defaults'],
])('%j is refused by name', (more, field) => {
  expect(() => parsed(more)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST', field }));
});

test('a recipe over 16 KB is refused before it is sent', () => {
  const room = MAX_RECIPE_BYTES - encodeRecipe({ ...MINIMAL, ComponentDescription: '' }).length;
  expect(encodeRecipe({ ...MINIMAL, ComponentDescription: 'x'.repeat(room) })).toHaveLength(MAX_RECIPE_BYTES);
  const over = { ...MINIMAL, ComponentDescription: 'x'.repeat(room + 1) };
  expect(() => encodeRecipe(over)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST', field: 'recipe' }));
});

test('accessControl names operations, and resources where there are any', () => {
  const policy = {
    policyDescription: 'x',
    operations: ['aws.greengrass#PublishToTopic'],
    resources: ['a/*'],
  };
  const service = 'aws.greengrass.ipc.pubsub';
  expect(accessControlSchema.parse({ [service]: { 'core:1': policy } })).toEqual({
    [service]: { 'core:1': policy },
  });
  expect(accessControlSchema.safeParse({ [service]: { 'core:1': { resources: [] } } }).success).toBe(false);
});
