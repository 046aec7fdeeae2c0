'use strict';

/** Runs a function's handler as a V1 core does: `run.cjs <subject or -> <payload>`. Ends when told to. */
const { handler } = require('./index.js');

const [subject, payload] = process.argv.slice(2);
const context = subject === '-' ? {} : { clientContext: { Custom: { subject } } };
handler(Buffer.from(payload), context, (error) => {
  process.stdout.write(`DONE ${error ? error.message : ''}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
