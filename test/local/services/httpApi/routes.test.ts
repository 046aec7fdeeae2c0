import { matchRoute, parseRouteKey } from '../../../../local/services/httpApi/routes';

const routesOf = (...keys: string[]) => keys.map((key) => ({ pattern: parseRouteKey(key) }));

function match(keys: string[], method: string, path: string) {
  const found = matchRoute(routesOf(...keys), method, path);
  return found && { key: found.route.pattern.routeKey, parameters: found.pathParameters };
}

/** The table of the developer guide, "Routing API requests". */
const GUIDE = ['$default', 'ANY /{proxy+}', 'GET /pets/{proxy+}', 'GET /pets/dog/{id}', 'GET /pets/dog/1'];

describe('matchRoute', () => {
  test.each([
    ['GET', '/pets/dog/1', 'GET /pets/dog/1'],
    ['GET', '/pets/dog/2', 'GET /pets/dog/{id}'],
    ['GET', '/pets/cat/1', 'GET /pets/{proxy+}'],
    ['POST', '/test/5', 'ANY /{proxy+}'],
    ['GET', '/', '$default'],
  ])('%s %s takes %s, whatever the order of the routes', (method, path, key) => {
    expect(match(GUIDE, method, path)?.key).toBe(key);
    expect(match([...GUIDE].reverse(), method, path)?.key).toBe(key);
  });

  test('a named method comes before ANY, and ANY before a less specific path', () => {
    const keys = ['ANY /a/{b}', 'GET /a/{b}', 'POST /{x}/{y}'];
    expect(match(keys, 'GET', '/a/1')?.key).toBe('GET /a/{b}');
    expect(match(keys, 'POST', '/a/1')?.key).toBe('ANY /a/{b}');
  });

  test('decodes parameters and keeps an escaped slash inside its segment', () => {
    expect(match(['GET /a/{b}'], 'GET', '/a/x%2Fy%20z')?.parameters).toEqual({ b: 'x/y z' });
    expect(match(['GET /files/{path+}'], 'GET', '/files/a/b%20c')?.parameters).toEqual({ path: 'a/b c' });
  });

  test('does not match an empty segment, another length or another method', () => {
    expect(match(['GET /a/{b}'], 'GET', '/a/')).toBeUndefined();
    expect(match(['GET /a/{b}'], 'GET', '/a/1/2')).toBeUndefined();
    expect(match(['GET /a/{b}'], 'PUT', '/a/1')).toBeUndefined();
  });

  test.each(['FETCH /a', 'GET a', 'GET /{a+}/b', 'GET /x{a}', 'GET /a b'])(
    'refuses the route key %s',
    (key) => {
      expect(() => parseRouteKey(key)).toThrow(expect.objectContaining({ code: 'BadRequestException' }));
    },
  );
});
