import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startLocalService } from '../../../local';
import type * as published from '../../../local/testing/types';
import type { ConnectOptions } from '../../../device/types';
import { Command } from '../../support/command';
import { startTestEnvironment } from '../../support/environment';
import { root } from '../../support/packaged';
import { processesIn } from '../../support/processTree';

/** `serverless-edge-on-demand/local`; what it does is used by every test of test/e2e. */
describe('startLocalService', () => {
  it('is what is published, and gives what the device client takes', async () => {
    const start: typeof published.startLocalService = startLocalService;
    const service = await start({
      serviceDir: process.env['EDGE_TEST_SERVICE'] ?? '',
      packageDir: process.env['EDGE_TEST_PACKAGE'] ?? '',
    });
    try {
      const options: ConnectOptions = await service.deviceOptions('sensor-1');
      expect(options).toMatchObject({ thingName: 'sensor-1', prefix: 'edge' });
      expect(service.variables).toHaveProperty('AWS_ENDPOINT_URL_S3');
      await expect(service.startEdge('nowhere')).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
      await expect(service.connectDevice('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    } finally {
      await service.close();
      await service.close();
    }
  });

  it('tells what is missing where nothing is packaged', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'edge-nothing-'));
    await expect(startTestEnvironment({ packageDir: folder })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      expected: `serverless package --package ${folder}`,
    });
    await rm(folder, { recursive: true });
  });

  it('ends with the process of a test that never closes it', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'edge-unclosed-'));
    const source = `test('never closed', async () => {
      const { startLocalService } = require(${JSON.stringify(path.join(root, 'dist/local/index.cjs'))});
      const service = await startLocalService({ packageDir: process.env.EDGE_TEST_PACKAGE });
      await service.startEdge();
      await service.connectDevice('sensor-1');
    }, 60_000);`;
    await writeFile(path.join(folder, 'unclosed.test.js'), source);
    await writeFile(path.join(folder, 'package.json'), '{ "jest": { "transform": {} } }');
    const jest = new Command(path.join(root, 'node_modules/jest/bin/jest.js'), ['--forceExit'], folder);
    try {
      expect({ ...(await jest.exit()), output: jest.output }).toMatchObject({ code: 0 });
      expect(await processesIn(jest.temporary)).toEqual([]);
    } finally {
      await jest.destroy();
      await rm(folder, { recursive: true });
    }
  });
});
