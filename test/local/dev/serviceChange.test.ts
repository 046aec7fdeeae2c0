import { needsRestart } from '../../../local/dev/serviceChange';
import { notFree, openingText } from '../../../local/dev/devEdges';

const before = { 'provider.region': 'eu-west-1', 'edge.engine': 'direct', 'edge.groups.shop.core': 'till' };

test('what edge cores were started with needs a restart when it changes', () => {
  expect(needsRestart(before, { ...before, 'edge.engine': 'greengrassv2' })).toEqual(['edge.engine']);
  expect(needsRestart(before, before)).toEqual([]);
});

test('groups that come and go need none', () => {
  const { 'edge.groups.shop.core': _gone, ...rest } = before;
  expect(needsRestart(before, { ...rest, 'edge.groups.attic.core': 'attic-core' })).toEqual([]);
});

test('a port and an address that cannot be had are named with the option', () => {
  expect(notFree('127.0.0.1', 8883, 'EADDRINUSE')).toMatchObject({ code: 'CONFLICT', field: '--port' });
  expect(notFree('10.9.9.9', 0, 'EADDRNOTAVAIL')).toMatchObject({ code: 'BAD_REQUEST', field: '--host' });
});

test('what --host opens is said, unless it opens nothing', () => {
  expect(openingText('127.0.0.1')).toBeUndefined();
  expect(openingText('192.0.2.7')).toContain('listens on 192.0.2.7');
  expect(openingText('0.0.0.0')).toContain('every network of this machine');
});
