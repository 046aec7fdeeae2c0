// Jest's transform: TypeScript, and dependencies that are ES modules only, to CommonJS with esbuild.
const { createHash } = require('node:crypto');
const { transformSync, version } = require('esbuild');

const loaders = { '.ts': 'ts', '.mts': 'ts', '.cts': 'ts' };

module.exports = {
  process(source, file) {
    const extension = file.slice(file.lastIndexOf('.'));
    return transformSync(source, {
      loader: loaders[extension] ?? 'js',
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      sourcefile: file,
      sourcemap: 'inline',
    });
  },
  getCacheKey: (source, file) => createHash('sha256').update(`${version}\0${file}\0${source}`).digest('hex'),
};
