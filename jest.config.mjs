/** ESM-only dependencies are transformed, so that tests need no flag. */
const esmOnly = [
  'aedes',
  'aedes-[^/]+',
  '@middy/[^/]+',
  'hyperid',
  'p-limit',
  'p-queue',
  'yocto-queue',
  'fast-xml-parser',
  'https-proxy-agent',
  'agent-base',
  'proxy-agent-negotiate',
  'filenamify',
  'filename-reserved-regex',
  '@apidevtools/json-schema-ref-parser',
];

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: { '^.+\\.[cm]?[jt]s$': '<rootDir>/test/support/esbuildTransform.mjs' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.serverless/', '<rootDir>/.edge/'],
  globalSetup: '<rootDir>/test/support/globalSetup.ts',
  globalTeardown: '<rootDir>/test/support/globalTeardown.ts',
  reporters: ['default', '<rootDir>/test/support/notTestedReporter.mjs'],
  // A hang ends here; nothing that works takes so long, on a busy machine either.
  testTimeout: 60_000,
  // Two cores: more workers only make each other slow.
  maxWorkers: 2,
};
