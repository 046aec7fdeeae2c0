import { toHttpResponse } from '../../../../local/services/httpApi/payload';

describe('toHttpResponse', () => {
  test('a result without statusCode becomes the JSON body of a 200', () => {
    expect(toHttpResponse({ message: 'hi' })).toEqual({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"message":"hi"}',
    });
    expect(toHttpResponse('hi')?.body).toBe('hi');
    expect(toHttpResponse(undefined)?.body).toBe('null');
    expect(toHttpResponse([1])?.body).toBe('[1]');
  });

  test('a result with statusCode is taken as it stands', () => {
    const response = toHttpResponse({
      statusCode: 201,
      headers: { ETag: '"1"', 'X-Count': 2, 'Content-Length': '999' },
      body: Buffer.from('é').toString('base64'),
      isBase64Encoded: true,
      cookies: ['a=1', 'b=2'],
    });
    expect(response).toEqual({
      status: 201,
      headers: {
        'content-type': 'text/plain;charset=utf-8',
        etag: '"1"',
        'x-count': '2',
        'set-cookie': ['a=1', 'b=2'],
      },
      body: Buffer.from('é'),
    });
  });

  test.each([{ statusCode: 'soon' }, { statusCode: 200, body: { not: 'text' } }, { statusCode: 42 }])(
    'a malformed result is none: %j',
    (output) => expect(toHttpResponse(output)).toBeUndefined(),
  );
});
