const FUNCTIONS = ['edgeCoreMonitor', 'handleDeviceRequest', 'edgeRemoteExecution'];

/** Lambda functions of a Greengrass V1 core, which runs Node 12 at most and has two modules of its own. */
export const bundles = ({ at, small }) =>
  FUNCTIONS.map((name) => ({
    source: `edge/platforms/greengrassV1/functions/${name}.ts`,
    out: `dist/edge/greengrass/${name}.js`,
    zipped: true,
    target: 'node12',
    ...small,
    external: ['aws-greengrass-common-js', 'aws-greengrass-ipc-sdk-js'],
    alias: Object.fromEntries(
      ['node:fs/promises', 'node:diagnostics_channel'].map((name) => [
        name,
        at('edge/platforms/greengrassV1/node12Modules.ts'),
      ]),
    ),
  }));
