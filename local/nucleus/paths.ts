import { join } from 'node:path';

/** Folders of a core, as a real nucleus lays them out below its root. */
export interface NucleusPaths {
  readonly root: string;
  readonly state: string;
  /** Of the artifacts of a component version, as they were downloaded. */
  artifacts(component: string, version: string): string;
  /** Of those that were unzipped, one folder per zip. */
  unarchived(component: string, version: string): string;
  /** Of a component, whatever its version. */
  work(component: string): string;
  log(component: string): string;
}

export function nucleusPaths(root: string): NucleusPaths {
  const packages = join(root, 'packages');
  return {
    root,
    state: join(root, 'config', 'state.json'),
    artifacts: (component, version) => join(packages, 'artifacts', component, version),
    unarchived: (component, version) => join(packages, 'artifacts-unarchived', component, version),
    work: (component) => join(root, 'work', component),
    log: (component) => join(root, 'logs', `${component}.log`),
  };
}
