import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PACKAGE_NAME = 'serverless-edge-on-demand';

/** The folder of this package: where `dist/` is, from source and from a bundle alike. */
export function projectRoot(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string };
      if (name === PACKAGE_NAME) return folder;
    }
    if (folder === dirname(folder)) throw new Error(`no package ${PACKAGE_NAME} around ${__dirname}`);
  }
}
