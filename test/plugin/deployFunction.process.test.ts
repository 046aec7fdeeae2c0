import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { appendFile } from 'node:fs/promises';
import path from 'node:path';

import { startTestEnvironment, type TestEnvironment } from '../support/environment';
import { packageTemplate } from '../support/packaged';
import { sls } from '../support/sls';

/** `sls deploy function` of a function that is no Lambda function, against the local cloud. */
describe('sls deploy function -f <edge-only function>', () => {
  let environment: TestEnvironment;
  let serviceDir: string;
  const stack = createServer((_request, response) => response.end(describeStacks(environment.outputs)));

  beforeAll(async () => {
    [environment, { serviceDir }] = await Promise.all([startTestEnvironment(), packageTemplate()]);
    await new Promise<void>((done) => stack.listen(0, '127.0.0.1', done));
  });
  afterAll(async () => {
    stack.close();
    await environment?.close();
  });

  async function deploy(name: string): Promise<string> {
    const { port } = stack.address() as AddressInfo;
    const { code, stdout, stderr } = await sls(serviceDir, ['deploy', 'function', '-f', name], {
      ...environment.cloud.environment(),
      AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${port}`,
    });
    return `${stdout}${stderr}\nexit code ${code}`;
  }

  const latest = async (name: string) =>
    (await environment.operator.functionIndex(environment.outputs.stateBucket, name))?.latest;

  it('changes nothing where nothing has changed', async () => {
    const output = await deploy('smoothSignal');
    expect(output).toContain('smoothSignal@1.0.0 is registered already');
    expect(output).toContain('exit code 0');
  });

  it('registers the next version, of this function alone', async () => {
    const source = (name: string) => path.join(serviceDir, 'examples', 'sensors', `${name}.ts`);
    await appendFile(source('smoothSignal'), '\nexport const changed = true;\n');
    await appendFile(source('calibrateSensor'), '\nexport const changed = true;\n');
    const output = await deploy('smoothSignal');
    expect(output).toContain('smoothSignal@1.0.1 is registered; groups that preload it follow');
    expect(output).toContain('exit code 0');
    await expect(latest('smoothSignal')).resolves.toBe('1.0.1');
    await expect(latest('calibrateSensor')).resolves.toBe('1.0.0');
  });

  it('says why the registry refuses it', async () => {
    await appendFile(
      path.join(serviceDir, 'examples', 'sensors', 'detectAnomaly.ts'),
      '\nexport const x = 1;\n',
    );
    const output = await deploy('detectAnomaly');
    expect(output).toMatch(/detectAnomaly.*1\.2\.0/s);
    expect(output).toContain('exit code 1');
  });
});

/** The one answer of CloudFormation that finds a service; the local cloud deploys stacks in process. */
function describeStacks(outputs: Record<string, string>): string {
  const members = Object.entries(outputs).map(
    ([key, value]) =>
      `<member><OutputKey>Edge${key[0]?.toUpperCase()}${key.slice(1)}</OutputKey>` +
      `<OutputValue>${value}</OutputValue></member>`,
  );
  return `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
    <DescribeStacksResult><Stacks><member>
      <StackName>edge-demo-dev</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
      <StackId>arn:aws:cloudformation:eu-west-1:000000000000:stack/edge-demo-dev/1</StackId>
      <Outputs>${members.join('')}</Outputs>
    </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
}
