import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, utimes } from 'node:fs/promises';
import path from 'node:path';
import { build, functionPackageOf, ofType, onLocalCloud, ownFunctions, packageExample } from './support';
import { packageService, type PackagedService } from '../support/packaged';
import { templateProblems } from '../plugin/support/cloudFormationSchema';

/** The zip comes from the user's own build. */
describe('examples/prebuilt-artifact', () => {
  let service: PackagedService;
  beforeAll(async () => {
    service = await packageExample('prebuilt-artifact');
  });

  it('is right by the schemas of CloudFormation', async () => {
    await expect(templateProblems(service.template)).resolves.toEqual([]);
  });

  const artifact = (): string => path.join(service.serviceDir, 'build', 'detectLeak.zip');
  const digest = async (file: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(file))
      .digest('hex');

  it('takes what is in the zip and adds edge.json', async () => {
    const { config, files } = await functionPackageOf(service, 'detectLeak');
    expect(files).toEqual(['lib/detectLeak.mjs']);
    expect(config).toMatchObject({
      handler: 'lib/detectLeak.handler',
      runtime: 'nodejs24.x',
      version: '3.0.0',
      memory: 64,
      requires: { node: '>=20' },
    });
  });

  it("leaves the user's file where it is, and makes no Lambda function of it", () => {
    expect(existsSync(artifact())).toBe(true);
    expect(ownFunctions(service)).toEqual([]);
  });

  it('gives every system function the log level of the section', () => {
    const levels = Object.values(ofType(service, 'AWS::Lambda::Function')).map(
      ({ Properties }) =>
        (Properties?.['Environment'] as { Variables: Record<string, unknown> }).Variables['EDGE_LOG_LEVEL'],
    );
    expect(new Set(levels)).toEqual(new Set(['debug']));
  });

  it('makes the same package of the same content, whatever the zip says about time', async () => {
    const target = path.join(service.directory, 'edge', 'detectLeak.package');
    const first = await digest(target);
    const zip = await digest(artifact());
    const source = path.join(service.serviceDir, 'src', 'detectLeak.mjs');
    await utimes(source, new Date('2001-02-03'), new Date('2001-02-03'));
    await build(service.serviceDir);
    expect(await digest(artifact())).not.toBe(zip);
    await packageService(service.serviceDir);
    expect(await digest(target)).toBe(first);
  });

  it('deploys', async () => {
    await onLocalCloud(service, async ({ operator, outputs, groups }) => {
      const index = await operator.functionIndex(outputs.stateBucket, 'detectLeak');
      expect(index?.latest).toBe('3.0.0');
      expect(groups['pump-house']?.definition.statics).toMatchObject({ detectLeak: { version: '3.0.0' } });
    });
  });
});
