import fc from 'fast-check';
import {
  askSchemas,
  canonicalJson,
  coreUpdateSchema,
  EdgeError,
  ERROR_TABLE,
  errorBodySchema,
  failedReply,
  functionConfigSchema,
  groupDefinitionSchema,
  isErrorCode,
  parseJsonWith,
  parseWith,
  requestIdOf,
  storedUpdateSchema,
  validateRequestSchema,
} from '../../protocol';
import { plant } from '../handlers/fixtures';
import { anyUpdate } from './arbitraries';

const thrownBy = (run: () => unknown): EdgeError => {
  try {
    run();
  } catch (error) {
    if (error instanceof EdgeError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('edge.json', () => {
  const config = { name: 'detect', handler: 'index.handler' };

  it('has the documented defaults', () => {
    expect(functionConfigSchema.parse(config)).toEqual({
      ...config,
      runtime: 'nodejs22.x',
      locations: ['edge'],
      memory: 128,
      timeout: 6,
      instances: 2,
      pinned: false,
      environment: {},
      devices: ['*'],
      requires: {},
    });
  });

  it.each([
    ['name', { name: '../x' }],
    ['version', { version: '1' }],
    ['version', { version: '1.0.0+build' }],
    ['handler', { handler: 'index' }],
    ['handler', { handler: '/etc/index.handler' }],
    ['handler', { handler: '../index.handler' }],
    ['handler', { handler: 'a/../../index.handler' }],
    ['runtime', { runtime: 'nodejs20.x' }],
    ['locations', { locations: [] }],
    ['locations.0', { locations: ['moon'] }],
    ['memory', { memory: 63 }],
    ['timeout', { timeout: 0 }],
    ['instances', { instances: 0 }],
    ['environment', { environment: { BIG: 'x'.repeat(5000) } }],
    ['devices.0', { devices: ['camera/1'] }],
    ['requires.node', { requires: { node: 'new' } }],
    ['requires.architectures', { requires: { architectures: [] } }],
    ['cloudFunction', { cloudFunction: 'arn:aws:s3:::bucket' }],
    ['colour', { colour: 'red' }],
    ['requires.nodes', { requires: { nodes: '>=20' } }],
  ])('names the offending field %s', (field, change) => {
    const error = thrownBy(() =>
      parseWith(functionConfigSchema, { ...config, ...change }, 'edge.json', 'CONFIG_INVALID'),
    );
    expect([error.code, error.field]).toEqual(['CONFIG_INVALID', field]);
    expect(error.details?.issues).toEqual(expect.arrayContaining([{ field, expected: error.expected }]));
  });
});

describe('documents from outside', () => {
  it('are refused with a coded error, whatever they are', () => {
    const schemas = [
      ...Object.values(askSchemas),
      coreUpdateSchema,
      validateRequestSchema,
      storedUpdateSchema,
    ];
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.constantFrom(...schemas), (text, schema) => {
        expect(thrownBy(() => parseJsonWith(schema, text, 'message')).code).toBe('BAD_REQUEST');
      }),
    );
  });

  it('may not bring a prototype along', () => {
    const update = '{"requestId":"r","group":"g","claims":[],"__proto__":{"admin":true}}';
    expect(thrownBy(() => parseJsonWith(coreUpdateSchema, update, 'update')).code).toBe('BAD_REQUEST');
  });

  it('give the request id of a malformed message, if there is a good one', () => {
    expect(requestIdOf({ requestId: 'r-1', other: true })).toBe('r-1');
    for (const bad of [{ requestId: '../r' }, { requestId: 5 }, {}, null, undefined, 'text', []]) {
      expect(requestIdOf(bad)).toBeUndefined();
    }
  });

  it('bound the number of changes in one update', () => {
    const join = { device: 'd', certificateId: 'a'.repeat(64), seq: 1 };
    const claim = { device: 'd', function: 'f', version: '1.0.0', seq: 1 };
    const update = { requestId: 'r', group: 'g' };
    expect(coreUpdateSchema.safeParse({ ...update, joins: Array(9).fill(join) }).success).toBe(false);
    expect(coreUpdateSchema.safeParse({ ...update, claims: Array(17).fill(claim) }).success).toBe(false);
    expect(coreUpdateSchema.parse(update)).toEqual({ ...update, joins: [], claims: [] });
  });

  it('come back the same from storage', () => {
    fc.assert(
      fc.property(anyUpdate, (update) => {
        expect(storedUpdateSchema.parse(JSON.parse(JSON.stringify(update)))).toEqual(update);
      }),
    );
    expect(groupDefinitionSchema.parse(JSON.parse(JSON.stringify(plant())))).toEqual(plant());
  });
});

describe('errors', () => {
  it.each(Object.keys(ERROR_TABLE))('%s survives the way to a device and back', (code) => {
    if (!isErrorCode(code)) throw new Error(code);
    const error = new EdgeError(code, 'why', { field: 'a.0', expected: 'b', details: { n: 1 } });
    const body = errorBodySchema.parse(JSON.parse(JSON.stringify(error)));
    expect(EdgeError.fromJSON(body).toJSON()).toEqual(error.toJSON());
    expect(error.status).toBeGreaterThanOrEqual(400);
  });

  it('become INTERNAL when they are none of ours', () => {
    expect(failedReply('r', new TypeError('x')).error).toEqual({ code: 'INTERNAL', message: 'x' });
    expect(failedReply(undefined, new EdgeError('NOT_FOUND'))).not.toHaveProperty('requestId');
    expect(EdgeError.fromJSON({ code: 'toString' }).code).toBe('INTERNAL');
    expect(EdgeError.fromJSON(null).code).toBe('INTERNAL');
  });
});

describe('canonicalJson', () => {
  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
