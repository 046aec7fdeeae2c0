import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Who may import whom: docs/architecture. `lib` and `protocol` are the ground floor. */
const allowed = {
  lib: [],
  protocol: [],
  runtime: ['lib', 'protocol'],
  handlers: ['lib', 'protocol'],
  edge: ['lib', 'protocol', 'runtime'],
  device: ['lib', 'protocol'],
  operations: ['lib', 'protocol'],
  plugin: ['lib', 'protocol', 'operations', 'handlers'],
  local: ['lib', 'protocol', 'operations', 'runtime'],
  tools: ['lib', 'protocol', 'plugin'],
  bench: [
    'lib',
    'protocol',
    'runtime',
    'handlers',
    'edge',
    'device',
    'operations',
    'plugin',
    'local',
    'tools',
  ],
};
const folders = Object.keys(allowed);

/** What composes others by their descriptors sees nothing else of them, so that it knows none by name. */
const doors = {
  plugin: {
    handlers: ['systemFunctions', 'descriptor', 'stackContext', 'engines/engines', 'engines/descriptor'],
  },
};

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '.serverless/**',
      '.edge/**',
      'coverage/**',
      // Of services that are packaged as somebody else would write them.
      'scripts/matrix/sources/**',
      '**/.serverless/**',
      '**/.esbuild/**',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: tseslint.configs.strictTypeChecked,
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Ports promise that a failure is a rejection, never a throw: `async` alone makes it so.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // A test hands methods to `expect`, makes bad values on purpose, and tidies up what may not have started.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
    },
  },
  {
    files: ['**/*.cjs'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        performance: 'readonly',
        fetch: 'readonly',
        exports: 'writable',
        module: 'writable',
        require: 'readonly',
      },
    },
  },
  {
    files: ['examples/*/test/**/*.js'],
    languageOptions: {
      globals: { beforeAll: 'readonly', afterAll: 'readonly', test: 'readonly', expect: 'readonly' },
    },
  },
  ...Object.entries(allowed).map(([folder, others]) => ({
    files: [`${folder}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...folders
              .filter((other) => other !== folder && !others.includes(other))
              .map((other) => ({
                regex: `^(\\.\\./)+${other}(/|$)`,
                message: `${folder} may not import ${other} (docs/architecture).`,
              })),
            ...Object.entries(doors[folder] ?? {}).map(([other, files]) => ({
              regex: `^(\\.\\./)+${other}/(?!(${files.join('|')})$)`,
              message: `${folder} sees of ${other} only ${files.join(', ')}.`,
            })),
          ],
        },
      ],
    },
  })),
);
