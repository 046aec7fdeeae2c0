import { functionComponentName } from '../../../../protocol';
import { MAX_RECIPE_BYTES, parseRecipe } from '../../../../protocol/greengrass/recipe';
import { functionRecipe } from '../../../../handlers/engines/greengrass/functionRecipe';
import { packageOf } from '../../../../protocol/greengrass/names';
import { manifestOf } from '../../fixtures';
import { BUCKET, HOST, PREFIX } from './world';

const options = { corePrefix: PREFIX, functionsBucket: BUCKET, host: HOST };
const recipeOf = (name: string, version: string) =>
  functionRecipe({ name: functionComponentName(PREFIX, name), manifest: manifestOf(name, version) }, options);

describe('the recipe of a function', () => {
  const { digest } = manifestOf('detect', '1.2.3');

  it('runs the host on the package, with the socket of the core', () => {
    const recipe = recipeOf('detect', '1.2.3');
    expect(recipe).toMatchObject({
      ComponentName: 'edge.shop-dev.fn.detect',
      ComponentVersion: '1.2.3',
      ComponentDependencies: { 'edge.shop-dev.core': { DependencyType: 'SOFT' } },
    });
    expect(recipe.Manifests[0]?.Artifacts).toEqual([
      { Uri: `s3://${BUCKET}/host/${HOST}.zip`, Unarchive: 'ZIP' },
      { Uri: `s3://${BUCKET}/packages/${digest}.zip`, Unarchive: 'ZIP' },
    ]);
    expect(recipe.Manifests[0]?.Lifecycle?.run).toBe(
      `node {artifacts:decompressedPath}/${HOST}/componentHost.cjs` +
        ' --socket {edge.shop-dev.core:work:path}/functions.sock --name detect@1.2.3' +
        ` --digest ${digest} --package {artifacts:decompressedPath}/${digest}`,
    );
  });

  it('is one that Greengrass takes, far below its limit, with the longest names', () => {
    for (const [name, version] of [
      ['detect', '1.0.0'],
      ['a'.repeat(48), `1.0.0-${'b'.repeat(58)}`],
    ] as const) {
      const text = JSON.stringify(recipeOf(name, version));
      expect(parseRecipe(text).ComponentVersion).toBe(version);
      expect(text.length).toBeLessThan(MAX_RECIPE_BYTES / 4);
    }
  });

  it('interpolates nothing of a configuration: a new revision restarts no function', () => {
    expect(JSON.stringify(recipeOf('detect', '1.0.0'))).not.toContain('configuration:');
  });

  it('says which package it is for; others say nothing', () => {
    expect(packageOf(recipeOf('detect', '1.2.3').ComponentDescription)).toBe(digest);
    expect(packageOf('A component of somebody')).toBeUndefined();
    expect(packageOf(undefined)).toBeUndefined();
  });
});
