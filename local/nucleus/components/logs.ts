import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { NucleusPaths } from '../paths';

/** What components write, one file each, below `logs/` as on a real core. */
export class ComponentLogs {
  constructor(private readonly paths: NucleusPaths) {
    mkdirSync(dirname(paths.log('any')), { recursive: true });
  }

  write(component: string, line: string, from: 'stdout' | 'stderr'): void {
    appendFileSync(this.paths.log(component), `${new Date().toISOString()} [${from}] ${line}\n`);
  }
}
