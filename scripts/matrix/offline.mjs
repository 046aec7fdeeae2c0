import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { prepareService } from './service.mjs';

const DEADLINE_MS = 60_000;
const POLL_MS = 200;

/** Starts the example with serverless-offline, asks an ordinary route, and stops it. */
export async function runOffline(example, place) {
  const { folder, env } = await prepareService(example, { ...place, folder: `${place.folder}-offline` });
  const file = path.join(folder, 'serverless.yml');
  const yaml = await readFile(file, 'utf8');
  await writeFile(file, yaml.replace(/^plugins:\n/m, 'plugins:\n  - serverless-offline\n'));
  const [httpPort, lambdaPort] = await freePorts(2);
  const args = ['offline', '--host', '127.0.0.1', '--httpPort', httpPort, '--lambdaPort', lambdaPort];
  const child = spawn(place.node.binary, [place.framework.cli, ...args.map(String)], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  try {
    // After an error it may live on: esbuild's service does.
    const over = () => child.exitCode !== null || /^Error:/m.test(output);
    const problems = await ask(`http://127.0.0.1:${httpPort}`, over);
    return problems.length === 0 ? [] : [...problems, output.trim().split('\n').slice(-12).join('\n')];
  } finally {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }
}

async function ask(url, over) {
  const problems = [];
  const ordinary = await answer(over, () =>
    fetch(`${url}/summaries`, { method: 'POST', body: JSON.stringify({ readings: [{ at: 0, value: 4 }] }) }),
  );
  if (ordinary === undefined) return ['it ended or did not listen'];
  const text = await ordinary.text();
  if (ordinary.status !== 200 || !text.includes('"mean":4'))
    problems.push(`POST /summaries: ${ordinary.status} ${text}`);
  return problems;
}

async function answer(over, request) {
  const deadline = performance.now() + DEADLINE_MS;
  while (!over() && performance.now() < deadline) {
    const response = await request().catch(() => undefined);
    if (response !== undefined) return response;
    await delay(POLL_MS);
  }
  return undefined;
}

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
