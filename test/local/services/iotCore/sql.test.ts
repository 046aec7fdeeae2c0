import { evaluateQuery, type RuleMessage } from '../../../../local/services/iotCore/rules/sql/evaluate';
import { parseRuleQuery } from '../../../../local/services/iotCore/rules/sql/parse';
import { fillSubstitution, parseSubstitution } from '../../../../local/services/iotCore/rules/actions';

const message = (payload: unknown, topic = 'edge/shop-dev/core/core-1/update'): RuleMessage => ({
  topic,
  payload: Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload)),
  principal: 'f'.repeat(64),
  clientId: 'core-1',
  timestamp: 1_700_000_000_000,
});

const run = (sql: string, payload: unknown): unknown => {
  const selected = evaluateQuery(parseRuleQuery(sql), message(payload));
  return selected && JSON.parse(selected.toString());
};

test('the rule of the template: nothing in the payload passes for the identity', () => {
  const sql = `SELECT encode(*, 'base64') AS payload, topic(4) AS core, principal() AS principal FROM 'edge/shop-dev/core/+/update'`;
  const forged = { payload: 'x', core: 'other', principal: 'other' };
  expect(run(sql, forged)).toEqual({
    payload: Buffer.from(JSON.stringify(forged)).toString('base64'),
    core: 'core-1',
    principal: 'f'.repeat(64),
  });
  const malformed = Buffer.from([0xff, 0x00, 0x7b]);
  expect(run(sql, malformed)).toMatchObject({ payload: malformed.toString('base64'), core: 'core-1' });
});

test('SELECT * hands on the bytes as they came', () => {
  const payload = Buffer.from('{ "a" : 1 } ');
  expect(evaluateQuery(parseRuleQuery("SELECT * FROM 'a'"), message(payload))).toBe(payload);
});

test.each<[string, unknown, unknown]>([
  ["SELECT *, topic() AS t FROM '#'", { a: 1, t: 2 }, { a: 1, t: 'edge/shop-dev/core/core-1/update' }],
  ["SELECT a.b, c AS d FROM '#'", { a: { b: [1] }, c: null }, { b: [1], d: null }],
  ["SELECT a.b.c, missing FROM '#'", { a: { b: 1 } }, {}],
  ["SELECT clientid() AS c, timestamp() AS t FROM '#'", {}, { c: 'core-1', t: 1_700_000_000_000 }],
  ["SELECT 'x' AS s, -1.5 AS n, true AS b FROM '#'", {}, { s: 'x', n: -1.5, b: true }],
  ["select a from '#' where a > 1 and b = 'x'", { a: 2, b: 'x' }, { a: 2 }],
  ["SELECT a FROM '#' WHERE a > 1 AND b = 'x'", { a: 2, b: 'y' }, undefined],
  ["SELECT a FROM '#' WHERE a <> 2", { a: 2 }, undefined],
  ["SELECT a FROM '#' WHERE missing <> 2", { a: 2 }, undefined],
  ["SELECT a FROM '#' WHERE a >= '2'", { a: 2 }, undefined],
  ["SELECT a FROM '#' WHERE topic(4) = 'core-1'", { a: 2 }, { a: 2 }],
  ["SELECT encode(a, 'base64') AS e FROM '#'", { a: 'hi' }, { e: 'aGk=' }],
  ["SELECT topic(99) AS t, constructor FROM '#'", {}, {}],
])('%s', (sql, payload, expected) => {
  expect(run(sql, payload)).toEqual(expected);
});

test.each([
  ["SELECT parse_time('yyyy', timestamp()) AS t FROM 'a'", /function parse_time\(\).*not supported/],
  ["SELECT encode(*, 'hex') AS t FROM 'a'", /'base64' only/],
  ["SELECT topic(1, 2) AS t FROM 'a'", /2 arguments/],
  ["SELECT topic( FROM 'a'", /expected an expression, found 'FROM'/],
  ["SELECT topic(1 FROM 'a'", /expected '\)'/],
  ["SELECT topic() FROM 'a'", /alias/],
  ["SELECT a FROM 'a' WHERE a = 1 OR b = 2", /expected the end, found 'OR'/],
  ["SELECT a FROM 'a' WHERE a", /a comparison/],
  ["SELECT a FROM 'a/#/b'", /not a topic filter/],
  ['SELECT a FROM b', /topic filter/],
  ["SELECT a + 1 AS b FROM 'a'", /'\+' at character 10/],
  ["SELECT CASE a WHEN 1 THEN 2 END AS b FROM 'a'", /found 'CASE'/],
  ['', /expected SELECT/],
])('refuses %s', (sql, expected) => {
  expect(() => parseRuleQuery(sql)).toThrow(expect.objectContaining({ code: 'SqlParseException' }));
  expect(() => parseRuleQuery(sql)).toThrow(expected);
});

test('templates take values from the message that came in', () => {
  const template = parseSubstitution('status/${topic(4)}/${boot}/${seq}.json');
  expect(fillSubstitution(template, message({ boot: '1', seq: 2 }))).toBe('status/core-1/1/2.json');
  expect(() => fillSubstitution(template, message({ boot: '1' }))).toThrow('no field seq');
  expect(fillSubstitution(parseSubstitution('f/${newuuid()}'), message({}))).toMatch(/^f\/[0-9a-f-]{36}$/);
  expect(() => parseSubstitution('${floor(1)}')).toThrow(/floor/);
});
