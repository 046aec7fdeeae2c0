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
  local: ['lib', 'protocol', 'operations', 'runtime', 'edge'],
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

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '.serverless/**',
      '.edge/**',
      'coverage/**',
      '**/.serverless/**',
      '**/.esbuild/**',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
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
  ...Object.entries(allowed).map(([folder, others]) => ({
    files: [`${folder}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: folders
            .filter((other) => other !== folder && !others.includes(other))
            .map((other) => ({
              regex: `^(\\.\\./)+${other}(/|$)`,
              message: `${folder} may not import ${other} (docs/architecture.md).`,
            })),
        },
      ],
    },
  })),
);
