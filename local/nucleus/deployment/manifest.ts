import type { Lifecycle } from '../../../protocol/greengrass/lifecycle';
import type { Recipe, RecipeArtifact, RecipeManifest } from '../../../protocol/greengrass/recipe';
import { DeploymentError } from './errors';

/** Attributes of the platform, in the words of Greengrass, with what recipes ask of them. */
export type NucleusPlatform = Readonly<Record<string, string>>;

const OS: Record<string, string> = { win32: 'windows', darwin: 'darwin', linux: 'linux' };
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'aarch64', arm: 'arm', ia32: 'x86' };

/** Of this machine, in the words of Greengrass. */
export function thisPlatform(): { os: string; architecture: string } {
  return {
    os: OS[process.platform] ?? process.platform,
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
  };
}

/** What of a recipe holds on this platform. */
export interface SelectedManifest {
  lifecycle: Lifecycle;
  artifacts: readonly RecipeArtifact[];
}

/** The first manifest that the platform meets. Throws DeploymentError when there is none. */
export function selectManifest(recipe: Recipe, platform: NucleusPlatform): SelectedManifest {
  const manifest = recipe.Manifests.find((one) => meets(platform, one));
  if (manifest === undefined) {
    throw new DeploymentError(
      ['NO_AVAILABLE_COMPONENT_VERSION', 'COMPONENT_VERSION_REQUIREMENTS_NOT_MET'],
      ['REQUEST_ERROR'],
      `${recipe.ComponentName}:${recipe.ComponentVersion} does not claim compatibility with this platform`,
    );
  }
  return { lifecycle: manifest.Lifecycle ?? recipe.Lifecycle ?? {}, artifacts: manifest.Artifacts ?? [] };
}

function meets(platform: NucleusPlatform, { Platform: wanted = {} }: RecipeManifest): boolean {
  return Object.entries(wanted).every(([attribute, value]) => {
    const actual = Object.hasOwn(platform, attribute) ? platform[attribute] : undefined;
    if (value === '*') return true;
    if (actual === undefined) return false;
    const expression = /^\/(.*)\/$/.exec(value)?.[1];
    return expression === undefined ? value === actual : new RegExp(`^(?:${expression})$`).test(actual);
  });
}
