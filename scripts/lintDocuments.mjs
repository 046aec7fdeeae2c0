// Checks docs/openapi.json and docs/asyncapi.json with the recommended rules of Redocly; exits 1 with what
// they have against them.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConfig, formatProblems, getTotals, lint } from '@redocly/openapi-core';

const docs = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'docs');
const config = await createConfig({ extends: ['recommended'] });
for (const name of ['openapi.json', 'asyncapi.json']) {
  const problems = await lint({ ref: path.join(docs, name), config });
  if (problems.length === 0) continue;
  formatProblems(problems, { format: 'codeframe', totals: getTotals(problems), version: '' });
  process.exitCode = 1;
}
