import { z } from 'zod';
import { allow, eventRule, regionalArn, type Resources, type Statement } from '../../../lib/cloudFormation';
import { V1_SYSTEM_FUNCTIONS, V1_WARNING } from '../../../protocol/greengrassV1';
import type { StackContext } from '../../stackContext';
import { allowRollbacks, sweepMinutes, type EngineDescriptor } from '../descriptor';

export const GREENGRASS_V1 = {
  name: 'greengrass',
  options: z.strictObject({
    name: z
      .literal('greengrass')
      .describe('AWS IoT Greengrass V1, which AWS closed on 2026-10-07: for V1-compatible APIs only.'),
    sweepMinutes,
  }),
  deploysLambdaVersions: true,
  statements: (stack) => [...allowRollbacks(stack), ...greengrassV1Statements(stack)],
  environment: ({ lambdaName, httpUrl }) => ({
    EDGE_GREENGRASS_FUNCTIONS: JSON.stringify(
      Object.fromEntries(V1_SYSTEM_FUNCTIONS.map((name) => [name, lambdaName(name)])),
    ),
    EDGE_HTTP_URL: httpUrl(),
  }),
  resources: deploymentStatusRule,
  // A V1 core runs versions of Lambda functions, so the edge system functions are in the stack as such.
  functions: V1_SYSTEM_FUNCTIONS.map((name) => ({
    name,
    description: `serverless-edge-on-demand, on a Greengrass V1 core: ${name}`,
    bundle: `edge/greengrass/${name}.zip`,
  })),
  // A V1 core has the role of its group, which "must define AWS IoT Greengrass as a trusted entity": the
  // operator attaches this one to the group (AssociateRoleToGroup). Source: AWS IoT Greengrass V1 developer
  // guide, "Greengrass group role". Its examples of conditions (aws:SourceAccount) are of other roles.
  coreServices: ['greengrass.amazonaws.com'],
  warning: V1_WARNING,
  open: async (ports) => (await import('./engine')).openGreengrassV1Engine(ports),
} satisfies EngineDescriptor;

/** Greengrass also tells of deployments of other services: an event has the ids that it gave. */
function deploymentStatusRule({ functionId }: StackContext): Resources {
  return eventRule('EdgeDeploymentStatusRule', {
    description: 'How Greengrass deployments end on edge cores',
    cause: {
      EventPattern: {
        source: ['aws.greengrass'],
        'detail-type': ['Greengrass Deployment Status Change'],
        detail: { status: ['Success', 'Failure'] },
      },
    },
    target: { id: 'performDeployment', functionId: functionId('performDeployment') },
  });
}

const DEFINITIONS = ['Core', 'Device', 'Function', 'Logger', 'Resource', 'Subscription'];

/**
 * Greengrass gives groups and definitions ids of its own, and a group may use definitions that somebody
 * made in the console: neither can be named ahead. Source: Service Authorization Reference, AWS IoT
 * Greengrass V1.
 */
function greengrassV1Statements({ lambdaName }: StackContext): Statement[] {
  const operations = (verb: string, ending: string) =>
    DEFINITIONS.map((name) => `greengrass:${verb}${name}Definition${ending}`);
  return [
    // Without a resource type: what they are about does not exist yet, or is all that there is.
    allow(['greengrass:ListGroups', 'greengrass:CreateGroup', ...operations('Create', '')], ['*']),
    allow(
      [
        'greengrass:GetGroup',
        'greengrass:GetGroupVersion',
        'greengrass:CreateGroupVersion',
        'greengrass:CreateDeployment',
        'greengrass:ListDeployments',
        'greengrass:GetDeploymentStatus',
      ],
      [regionalArn('greengrass', '/greengrass/groups/*')],
    ),
    allow(
      [...operations('Get', 'Version'), ...operations('Create', 'Version')],
      [regionalArn('greengrass', '/greengrass/definition/*')],
    ),
    allow(
      ['lambda:PublishVersion'],
      V1_SYSTEM_FUNCTIONS.map((name) => regionalArn('lambda', `function:${lambdaName(name)}`)),
    ),
  ];
}
