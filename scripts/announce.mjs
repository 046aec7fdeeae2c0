import { appendFileSync } from 'node:fs';

/**
 * Says loudly what was not tested and why: who reads only the end sees it. `.ci/run` gathers what all of its
 * steps announce in the file that EDGE_NOT_TESTED names, and says it again at its own end.
 */
export function announce(lines) {
  const stars = '*'.repeat(Math.min(100, Math.max(...lines.map(({ length }) => length))));
  console.log(`\n${[stars, ...lines, stars].join('\n')}\n`);
  const file = process.env['EDGE_NOT_TESTED'];
  if (file !== undefined) appendFileSync(file, `${lines.join('\n')}\n`);
}
