import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { LocalCloud } from '../../local';

export interface StandIn {
  url: string;
  close(): Promise<void>;
}

/**
 * The two questions that the plugin has for CloudFormation, answered from the stacks of the local cloud,
 * which deploys templates without a wire protocol. Everything else is refused.
 */
export async function startStandInCloudFormation(cloud: LocalCloud): Promise<StandIn> {
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const query = new URLSearchParams(body.toString('utf8'));
      const answer = answerTo(cloud, query);
      response.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.xml);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function answerTo(cloud: LocalCloud, query: URLSearchParams): { status: number; xml: string } {
  const name = query.get('StackName') ?? '';
  const answer = ANSWERS[query.get('Action') ?? ''];
  const stack = cloud.stack(name);
  if (answer === undefined || stack === undefined) {
    const message = `Stack with id ${name} does not exist`;
    return {
      status: 400,
      xml: `<ErrorResponse><Error><Code>ValidationError</Code><Message>${message}</Message></Error></ErrorResponse>`,
    };
  }
  return { status: 200, xml: answer(stack) };
}

type Stack = NonNullable<ReturnType<LocalCloud['stack']>>;

const ANSWERS: Record<string, (stack: Stack) => string> = {
  DescribeStacks: describeStacks,
  ListStackResources: listStackResources,
};

function describeStacks({ name, outputs: all }: Stack): string {
  const outputs = Object.entries(all)
    .map(
      ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
    )
    .join('');
  return (
    `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>${name}</StackName>` +
    `<StackId>arn:aws:cloudformation:eu-west-1:000000000000:stack/${name}/1</StackId>` +
    `<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>` +
    `<Outputs>${outputs}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`
  );
}

function listStackResources({ resources }: Stack): string {
  const members = Object.entries(resources).map(
    ([id, { type, ref }]) =>
      `<member><LogicalResourceId>${id}</LogicalResourceId><PhysicalResourceId>${ref}</PhysicalResourceId>` +
      `<ResourceType>${type}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>` +
      `<LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp></member>`,
  );
  return (
    `<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>${members.join('')}` +
    `</StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>`
  );
}

/**
 * A framework plugin for a service whose stack is deployed already: the framework's own deployment and
 * removal are left out, all that plugins do around them is left in.
 */
export const WITHOUT_CLOUD_FORMATION = `module.exports = class {
  constructor({ pluginManager }) {
    const own = ['before:deploy:deploy', 'deploy:deploy', 'deploy:finalize', 'remove:remove'];
    this.hooks = {
      initialize() {
        for (const event of own) {
          const hooks = pluginManager.hooks[event] ?? [];
          pluginManager.hooks[event] = hooks.filter(({ pluginName }) => !/^Aws/.test(pluginName));
        }
      },
    };
  }
};
`;
