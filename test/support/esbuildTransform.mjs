// Jest's transform: TypeScript, and dependencies that are ES modules only, to CommonJS with esbuild.
import { createHash } from 'node:crypto';
import { transformSync, version } from 'esbuild';

const loaders = { '.ts': 'ts', '.mts': 'ts', '.cts': 'ts' };

export default {
  process(source, file) {
    const extension = file.slice(file.lastIndexOf('.'));
    return transformSync(source, {
      loader: loaders[extension] ?? 'js',
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      // Jest has no native import() without a flag of Node; modules that are loaded late are required.
      supported: { 'dynamic-import': false },
      sourcefile: file,
      sourcemap: 'inline',
    });
  },
  getCacheKey: (source, file) => createHash('sha256').update(`${version}\0${file}\0${source}`).digest('hex'),
};
