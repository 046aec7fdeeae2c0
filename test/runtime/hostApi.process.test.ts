import { createFunctionHost } from '../../runtime/host';
import type { HostAsk, HostApi } from '../../runtime/hostApi';
import type { FunctionHost } from '../../runtime/types';
import { EdgeError } from '../../protocol';
import { buildProcessScript, silent, specOf } from './support';

/** A host offers what it likes: here a shop. */
let asked: HostAsk[];
let host: FunctionHost;

const api: HostApi = {
  name: 'shop',
  methods: { buy: ['what', 'count'], look: [] },
  maxBytes: 100,
  async answer(ask) {
    asked.push(ask);
    if (ask.method === 'look') return undefined;
    if (ask.parameters['count'] === 0) throw new EdgeError('BAD_REQUEST', 'nothing to buy');
    return String(ask.parameters['what']).repeat((ask.parameters['count'] ?? 1) as number);
  },
};

beforeAll(() => {
  host = createFunctionHost({ processScript: buildProcessScript(), poolSize: 0, log: silent, api });
});
beforeEach(() => (asked = []));
afterAll(() => host.close());

async function run(key: string, body: string): Promise<unknown> {
  const source = `exports.handler = async (event, { shop }) => ${body}`;
  await host.start(key, specOf({ 'index.js': source }, { rights: 'to buy' }));
  return (await host.invoke(key, { requestId: 'r1', event: {}, origin: 'me' })).output;
}

const CODE = '.catch(({ code, message, details }) => ({ code, message, details }))';

it('its methods have names and parameters, and what is left out does not arrive', async () => {
  await expect(run('a', `[await shop.buy('x', 3), await shop.buy('y')]`)).resolves.toEqual(['xxx', 'y']);
  expect(asked.map(({ parameters }) => parameters)).toEqual([{ what: 'x', count: 3 }, { what: 'y' }]);
  expect(asked[0]).toMatchObject({ method: 'buy', spec: { rights: 'to buy' }, call: { origin: 'me' } });
});

it('an answer of nothing is undefined', async () => {
  await expect(run('b', `typeof (await shop.look())`)).resolves.toBe('undefined');
});

it.each([
  ['a refusal', `shop.buy('x', 0)`, { code: 'BAD_REQUEST', message: 'nothing to buy' }],
  ['a parameter that is too large', `shop.buy('x'.repeat(99))`, { code: 'PAYLOAD_TOO_LARGE' }],
  ['an answer that is too large', `shop.buy('x', 99)`, { code: 'RESULT_TOO_LARGE' }],
])('%s', async (what, body, failure) => {
  await expect(run(what, body + CODE)).resolves.toMatchObject(failure);
});

it('a method that was not offered', async () => {
  const body = `{
    const { writeSync } = require('node:fs');
    const json = JSON.stringify({ type: 'ask', id: 1, requestId: 'r1', method: 'constructor', parameters: {} });
    const frame = Buffer.alloc(4 + json.length);
    frame.writeUInt32BE(json.length);
    frame.write(json, 4);
    writeSync(3, frame);
    return new Promise((resolve) => setTimeout(resolve, 50, 'done'));
  }`;
  await expect(run('c', body)).resolves.toBe('done');
  expect(asked).toEqual([]);
});
