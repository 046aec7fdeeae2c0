import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GreengrassV2Client, ListComponentsCommand } from '@aws-sdk/client-greengrassv2';
import { pino } from 'pino';
import type { CloudContext, Service } from '../../../../local/base/context';
import { createNotSimulated } from '../../../../local/services/notSimulated';

let service: Service;
const missing: unknown[] = [];

beforeAll(async () => {
  const log = pino({}, { write: (line) => void missing.push(JSON.parse(line).missing) });
  service = await createNotSimulated({ host: '127.0.0.1', log } as CloudContext);
});

afterAll(() => service.close());

const config = () => ({
  region: 'eu-west-1',
  endpoint: service.url,
  credentials: { accessKeyId: 'AKIAX', secretAccessKey: 'x' },
});

describe('a service that is not simulated answers in its own protocol', () => {
  it.each<
    [string, string, () => { send: (command: never) => Promise<unknown>; destroy: () => void }, object]
  >([
    [
      'the query protocol',
      'CLOUDFORMATION',
      () => new CloudFormationClient(config()),
      new DescribeStacksCommand({}),
    ],
    ['JSON', 'GREENGRASSV2', () => new GreengrassV2Client(config()), new ListComponentsCommand({})],
  ])('%s', async (_protocol, name, makeClient, command) => {
    const client = makeClient();
    await expect(client.send(command as never)).rejects.toMatchObject({
      name: 'NotSimulatedException',
      message: expect.stringContaining(`Set AWS_ENDPOINT_URL_${name} before`),
      $metadata: { attempts: 1 },
    });
    client.destroy();
    expect(missing.at(-1)).toMatch(new RegExp(name, 'i'));
  });

  const post = (headers: Record<string, string>): Promise<Response> =>
    fetch(service.url, { method: 'POST', body: '{}', headers });

  it('JSON with a target', async () => {
    const answer = await post({
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.GetItem',
      'x-amz-user-agent': 'aws-sdk-js/3.975.0 ua/2.1 api/dynamodb#3.975.0',
    });
    expect(answer.headers.get('content-type')).toBe('application/x-amz-json-1.0');
    await expect(answer.json()).resolves.toEqual({
      __type: 'NotSimulatedException',
      message: expect.stringContaining('AWS_ENDPOINT_URL_DYNAMODB '),
    });
  });

  it('XML', async () => {
    const answer = await fetch(service.url, { headers: { 'x-amz-user-agent': 'api/route_53#3.975.0' } });
    await expect(answer.text()).resolves.toMatch(
      /^<ErrorResponse><Error>.*<Code>NotSimulatedException<\/Code><Message>.*AWS_ENDPOINT_URL_ROUTE_53 /,
    );
  });

  it('CBOR, of a client that says only what it signs for', async () => {
    const answer = await post({
      'smithy-protocol': 'rpc-v2-cbor',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIAX/20260101/eu-west-1/monitoring/aws4_request, Signature=1',
    });
    const body = Buffer.from(await answer.arrayBuffer());
    expect(body.subarray(0, 10)).toEqual(Buffer.from([0xa2, 0x79, 0, 6, ...Buffer.from('__type')]));
    expect(body.toString('latin1')).toContain('AWS_ENDPOINT_URL_CLOUDWATCH ');
  });
});
