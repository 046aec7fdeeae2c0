export const bundles = () => [{ source: 'edge/platforms/standalone/main.ts', out: 'dist/edge/core.cjs' }];
