import { happily, Rig } from './support/rig';

/** The real client, built as it ships, in a process of its own, over mutual TLS to a real broker. */
let rig: Rig;

beforeAll(async () => {
  rig = await Rig.create();
});

afterEach(() => rig.stopEdges());

afterAll(() => rig.workshop.close());

const WHOLE_WAY = `
  const edge = await EdgeClient.connect(options);
  const stages = [];
  const detect = await edge.deploy('detectAnomaly', { version: '^1', onProgress: (p) => stages.push(p) });
  const verdict = await detect.invoke({ samples: [1, 2] });
  let report;
  const inCloud = await edge.invoke('detectAnomaly', 7, { location: 'cloud', onReport: (r) => (report = r) });
  const sent = await detect.send({ samples: [3] });
  const fetched = await edge.prefetch('detectAnomaly');
  await detect.release();
  await edge.close();
  say('done', { stages, verdict, inCloud, report, sent, fetched, core: edge.core, version: detect.version,
    present: detect.present, handle: detect instanceof EdgeFunction });
`;

describe.each(['esm', 'cjs'] as const)('the whole way, as %s', (format) => {
  test('connects, deploys, invokes, sends, prefetches, releases, and exits by itself after close()', async () => {
    const edge = await rig.startEdge();
    const program = await rig.workshop.run(WHOLE_WAY, rig.at(edge), format);
    const done = await program.says('done');
    expect(done).toMatchObject({
      verdict: { echo: { samples: [1, 2] } },
      inCloud: { echo: 7 },
      report: { location: 'cloud', version: '1.4.0', durationMs: 1 },
      fetched: { function: 'detectAnomaly', version: '1.4.0', size: 1024 },
      core: { name: 'core-1', host: '127.0.0.1', port: edge.port },
      version: '1.4.0',
      present: false,
      handle: true,
      stages: [
        { stage: 'confirmed', function: 'detectAnomaly' },
        { stage: 'starting', function: 'detectAnomaly' },
      ],
    });
    await program.ends();
    const called = await edge.hears(({ kind }) => kind === 'call');
    expect(called.message).toEqual({
      requestId: (done.sent as { requestId: string }).requestId,
      version: '1.4.0',
      input: { samples: [3] },
    });
    const request = edge.heard.find(({ kind }) => kind === 'request');
    const confirm = edge.heard.find(({ kind }) => kind === 'confirm');
    expect(confirm?.message.requestId).toBe(request?.message.requestId);
  });
});

test('certificates may be given as paths', async () => {
  const edge = await rig.startEdge();
  const body = `
    const { writeFileSync } = await import('node:fs');
    for (const name of ['certificate', 'privateKey', 'ca']) {
      const path = new URL(name + '.pem', import.meta.url).pathname;
      writeFileSync(path, options[name]);
      options[name] = path;
    }
    const edge = await EdgeClient.connect(options);
    say('done', { connected: edge.connected });
    await edge.close();`;
  const program = await rig.workshop.run(body, rig.at(edge));
  expect(await program.says('done')).toMatchObject({ connected: true });
  await program.ends();
});

test('an edge restarted between confirm and ready: the deployment starts over and is done', async () => {
  let restarted = false;
  const edge = await rig.startEdge({
    script: (heard, answer) => {
      const { requestId } = heard.message;
      if (heard.kind !== 'confirm') {
        happily(heard, answer);
        return;
      }
      if (!restarted) return;
      const asked = edge.heard.filter(({ kind }) => kind === 'request').length;
      if (asked === 1) {
        answer('failed', { requestId, error: { code: 'NOT_OFFERED', message: 'gone' } });
        return;
      }
      happily(heard, answer);
    },
  });
  const body = `
    const edge = await EdgeClient.connect(options);
    edge.on('disconnected', (error) => say('disconnected', { code: error.code }));
    edge.on('reconnected', (core) => say('reconnected', core));
    const detect = await edge.deploy('detectAnomaly');
    say('deployed', { version: detect.version });
    await edge.close();`;
  const program = await rig.workshop.run(body, rig.at(edge));
  await edge.hears(({ kind }) => kind === 'confirm');
  await edge.stop();
  expect(await program.says('disconnected')).toMatchObject({ code: 'DISCONNECTED' });
  restarted = true;
  await edge.start();
  expect(await program.says('reconnected')).toMatchObject({ name: 'core-1', port: edge.port });
  expect(await program.says('deployed')).toMatchObject({ version: '1.4.0' });
  await program.ends();
  const ids = edge.heard.filter(({ kind }) => kind !== 'join').map(({ message }) => message.requestId);
  expect(new Set(ids).size).toBe(1);
  expect(edge.count('join')).toBe(2);
});

test('a lost reply: the same request comes again and is answered', async () => {
  let lost = 0;
  const edge = await rig.startEdge({
    script: (heard, answer) => {
      if (heard.kind === 'invoke' && lost++ === 0) return;
      happily(heard, answer);
    },
  });
  const body = `
    const edge = await EdgeClient.connect(options);
    say('done', { output: await edge.invoke('detectAnomaly', 1) });
    await edge.close();`;
  const program = await rig.workshop.run(body, rig.at(edge));
  expect(await program.says('done')).toMatchObject({ output: { echo: 1 } });
  await program.ends();
  const invocations = edge.heard.filter(({ kind }) => kind === 'invoke');
  expect(invocations).toHaveLength(2);
  expect(invocations[1]).toEqual(invocations[0]);
});

test('a request that waits outlives a dropped connection and a status is heard', async () => {
  let answerLater: (() => void) | undefined;
  const edge = await rig.startEdge({
    script: (heard, answer) => {
      if (answerLater === undefined) answerLater = () => undefined;
      else happily(heard, answer);
    },
  });
  edge.announce('ready', 4);
  const body = `
    const edge = await EdgeClient.connect(options);
    edge.on('status', (status) => say('status', status));
    say('done', { output: await edge.invoke('detectAnomaly', 1), status: edge.status });
    await edge.close();`;
  const program = await rig.workshop.run(body, rig.at(edge));
  await edge.hears(({ kind }) => kind === 'invoke');
  edge.drop();
  expect(await program.says('done')).toMatchObject({
    output: { echo: 1 },
    status: { state: 'ready', revision: 4, edge: 'core-1' },
  });
  await program.ends();
});

test('an oversized payload is refused before it is sent', async () => {
  const edge = await rig.startEdge();
  const body = `
    const edge = await EdgeClient.connect(options);
    const input = 'x'.repeat(128 * 1024);
    for (const attempt of [() => edge.invoke('detectAnomaly', input), () => edge.send('detectAnomaly', input)]) {
      await attempt().catch((error) => say('refused', failure(error)));
    }
    const most = 'x'.repeat(128 * 1024 - 300);
    say('done', { length: (await edge.invoke('detectAnomaly', most)).echo.length });
    await edge.close();`;
  const program = await rig.workshop.run(body, rig.at(edge));
  expect(await program.says('done')).toMatchObject({ length: 128 * 1024 - 300 });
  const lines = await program.ends();
  const refused = lines.filter(({ is }) => is === 'refused');
  expect(refused).toHaveLength(2);
  for (const line of refused) expect(line).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', isEdgeError: true });
  expect(edge.heard.map(({ kind }) => kind)).toEqual(['join', 'invoke']);
});

test('an abort rejects with ABORTED, and after a confirmation takes the claim back', async () => {
  const edge = await rig.startEdge({
    script: (heard, answer) => {
      if (heard.kind === 'request' || heard.kind === 'release') happily(heard, answer);
    },
  });
  const body = `
    const edge = await EdgeClient.connect(options);
    const abort = new AbortController();
    const deploying = edge.deploy('detectAnomaly', { signal: abort.signal });
    const invoking = edge.invoke('detectAnomaly', 1, { signal: abort.signal });
    await told('abort');
    abort.abort(new Error('changed my mind'));
    for (const promise of [deploying, invoking]) await promise.catch((error) => say('aborted', failure(error)));
    await told('close');
    await edge.close();
    say('closed');`;
  const program = await rig.workshop.run(body, rig.at(edge));
  await edge.hears(({ kind }) => kind === 'confirm');
  await edge.hears(({ kind }) => kind === 'invoke');
  program.tell('abort');
  await edge.hears(({ kind }) => kind === 'release');
  program.tell('close');
  await program.says('closed');
  const lines = await program.ends();
  const codes = lines.filter(({ is }) => is === 'aborted').map(({ code }) => code);
  expect(codes).toEqual(['ABORTED', 'ABORTED']);
});

test('the failure of an asynchronous call is an event with its request id', async () => {
  const edge = await rig.startEdge({
    script: ({ kind, message: { requestId } }, answer) => {
      const error = { code: 'NOT_ENTITLED' as const, message: 'not for you' };
      if (kind === 'call') answer('failed', { requestId, error });
    },
  });
  const body = `
    const edge = await EdgeClient.connect(options);
    const failed = new Promise((resolve) => edge.on('failed', resolve));
    const sent = await edge.send('detectAnomaly', 1).catch((error) => ({ early: error.code }));
    if (sent.early) say('done', { code: sent.early, same: true });
    else {
      const { requestId, error } = await failed;
      say('done', { code: error.code, same: requestId === sent.requestId });
    }
    await edge.close();`;
  const program = await rig.workshop.run(body, rig.at(edge));
  expect(await program.says('done')).toMatchObject({ code: 'NOT_ENTITLED', same: true });
  await program.ends();
});

test('close() rejects what is unanswered with CLOSED, also while the edge is away', async () => {
  const edge = await rig.startEdge({ script: () => undefined });
  const body = `
    const edge = await EdgeClient.connect(options);
    edge.on('disconnected', () => say('disconnected'));
    const waiting = edge.invoke('detectAnomaly', 1);
    waiting.catch(() => {});
    await told('close');
    await edge.close();
    await waiting.catch((error) => say('rejected', failure(error)));
    await edge.invoke('detectAnomaly', 1).catch((error) => say('later', failure(error)));`;
  const program = await rig.workshop.run(body, rig.at(edge));
  await edge.hears(({ kind }) => kind === 'invoke');
  await edge.stop();
  await program.says('disconnected');
  program.tell('close');
  expect(await program.says('rejected')).toMatchObject({ code: 'CLOSED' });
  expect(await program.says('later')).toMatchObject({ code: 'CLOSED' });
  await program.ends();
});
