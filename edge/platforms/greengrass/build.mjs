export const bundles = () => [
  { source: 'edge/platforms/greengrass/main.ts', out: 'dist/edge/greengrassV2/core.cjs' },
  { source: 'edge/platforms/greengrass/componentHost/main.ts', out: 'dist/edge/componentHost.cjs' },
];
