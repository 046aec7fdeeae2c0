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

// Tests run on the Node.js that is here; that it is older than Lambda's is no news.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** A hang ends here; nothing that works takes so long, on a machine that is ten times slower either. Not an option of a project. */
export const testTimeout = 180_000;

/** What all tests have in common; scripts/testMoto.mjs uses it too. */
export const common = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  transform: { '^.+\\.[cm]?[jt]s$': '<rootDir>/test/support/esbuildTransform.mjs' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.serverless/', '<rootDir>/.edge/'],
};

const STARTS_PROCESSES = ['**/*.process.test.ts', '**/test/{e2e,examples,packaging}/**/*.test.ts'];

export default {
  projects: [
    {
      ...common,
      displayName: 'processes',
      testMatch: STARTS_PROCESSES,
      globalSetup: '<rootDir>/test/support/globalSetup.ts',
      globalTeardown: '<rootDir>/test/support/globalTeardown.ts',
    },
    {
      ...common,
      displayName: 'pure',
      testMatch: ['**/*.test.ts', ...STARTS_PROCESSES.map((pattern) => `!${pattern}`)],
      setupFilesAfterEnv: ['<rootDir>/test/support/spawnsNothing.ts'],
    },
  ],
  testTimeout,
  reporters: ['default', '<rootDir>/test/support/notTestedReporter.mjs'],
  // Two cores: more workers only make each other slow.
  maxWorkers: 2,
};
