import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Who may import whom: docs/architecture.md. */
const folders = ['protocol', 'operator', 'handlers', 'edge', 'device', 'plugin', 'local', 'bench', 'tools'];
const allowed = {
  protocol: [],
  handlers: ['protocol'],
  edge: ['protocol'],
  device: ['protocol'],
  operator: ['protocol'],
  plugin: ['protocol', 'operator'],
  local: ['protocol', 'operator', 'edge'],
  tools: ['protocol', 'plugin'],
  bench: folders,
};

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
