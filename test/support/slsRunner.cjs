/**
 * The framework's command line, many times in one process: loading it costs some seconds of processor
 * time, and a test file runs it often. Each run has its own arguments, folder and environment and loads the
 * framework's own modules anew; what those depend on stays loaded. As in a process of its own, a run is
 * over when the event loop has nothing left to do. Nobody need end it: it does so when it has been idle for a
 * while, and with the test. Messages: `{ cli, args, cwd, env }` → `{ code, stdout,
 * stderr }`.
 */
const path = require('node:path');

const EVENTS = ['uncaughtException', 'unhandledRejection', 'exit', 'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'];
const listeners = new Map(EVENTS.map((event) => [event, process.listeners(event)]));
const IDLE_MS = 30_000;
let output;
let idle = endWhenIdle();

for (const stream of ['stdout', 'stderr']) {
  process[stream].write = (chunk, encoding, done) => {
    output[stream].push(Buffer.from(chunk, typeof encoding === 'string' ? encoding : undefined));
    const callback = typeof encoding === 'function' ? encoding : done;
    if (callback) process.nextTick(callback);
    return true;
  };
}

// The test has ended.
process.once('disconnect', () => process.exit());

process.on('message', ({ cli, args, cwd, env }) => {
  clearTimeout(idle);
  output = { stdout: [], stderr: [] };
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  process.argv = [process.execPath, cli, ...args];
  process.exitCode = undefined;
  delete EvalError.$serverlessCommandStartTime;
  // A run is over when nothing but the way to the test keeps this process alive.
  process.channel.unref();
  process.once('beforeExit', answer);
  require(cli);
});

function answer() {
  process.channel.ref();
  const code = process.exitCode ?? 0;
  process.exitCode = undefined;
  const [stdout, stderr] = [output.stdout, output.stderr].map((chunks) => Buffer.concat(chunks).toString());
  forgetFramework();
  idle = endWhenIdle();
  process.send({ code, stdout, stderr });
}

function endWhenIdle() {
  return setTimeout(() => process.exit(), IDLE_MS);
}

function forgetFramework() {
  const ofFramework = `${path.sep}node_modules${path.sep}serverless${path.sep}`;
  for (const file of Object.keys(require.cache)) {
    const inside = file.split(ofFramework)[1];
    if (inside !== undefined && !inside.includes('node_modules')) delete require.cache[file];
  }
  for (const [event, kept] of listeners) {
    for (const listener of process.listeners(event)) {
      if (!kept.includes(listener)) process.removeListener(event, listener);
    }
  }
}
