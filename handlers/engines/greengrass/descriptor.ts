import { z } from 'zod';
import {
  allow,
  allowObjects,
  eventRule,
  regionalArn,
  type Resources,
  type Statement,
} from '../../../lib/cloudFormation';
import { deliverySchema, functionComponentPrefix } from '../../../protocol';
import { READ, type StackContext } from '../../stackContext';
import { allowRollbacks, sweepMinutes, type EngineDescriptor } from '../descriptor';

export const GREENGRASS = {
  name: 'greengrassv2',
  options: z.strictObject({
    name: z.literal('greengrassv2').describe('AWS IoT Greengrass V2: the edge core is a component.'),
    delivery: deliverySchema
      .default('hot')
      .describe(
        'How functions come to a core, where the group says nothing else. hot: the core fetches and starts them ' +
          'itself, Greengrass shows the revision. components: each function is a Greengrass component.',
      ),
    sweepMinutes,
  }),
  groupOptions: {
    delivery: deliverySchema
      .optional()
      .describe('Engine greengrassv2: how functions come to this core. Left out, what the engine says.'),
    target: z
      .string()
      .regex(
        /^arn:aws[a-z-]*:iot:[a-z0-9-]+:\d{12}:thing(group)?\/[a-zA-Z0-9:_-]{1,128}$/,
        'expected the ARN of an IoT thing or thing group',
      )
      .optional()
      .describe(
        "Engine greengrassv2: ARN of the thing or thing group that deployments target. Left out, the core's thing.",
      ),
  },
  groupEngine: (options, { delivery, target }) => ({
    delivery: delivery ?? options.delivery ?? 'hot',
    ...(target && { targetArn: target }),
  }),
  statements: (stack) => [...allowRollbacks(stack), ...greengrassStatements(stack)],
  resources: eventRules,
  // With the role of its core device the nucleus downloads what components are made of: packages are named
  // by digest.
  coreStatements: ({ functionsBucket }) => [
    allowObjects(functionsBucket, READ, ['core/*', 'host/*', 'packages/*']),
  ],
  open: async (ports) => (await import('./engine')).openGreengrassEngine(ports),
} satisfies EngineDescriptor;

/** How deployments end. Greengrass also tells of those of other services: an event has the ids that it gave. */
function eventRules({ corePrefix, functionId }: StackContext): Resources {
  const target = { id: 'performDeployment', functionId: functionId('performDeployment') };
  return {
    ...eventRule('EdgeDeploymentStatusRule', {
      description: 'How Greengrass deployments end on edge cores',
      cause: {
        EventPattern: {
          source: ['aws.greengrass'],
          'detail-type': ['Greengrass V2 Effective Deployment Status Change'],
        },
      },
      target,
    }),
    ...eventRule('EdgeBrokenFunctionRule', {
      description: 'Functions that broke after their deployment',
      cause: {
        EventPattern: {
          source: ['aws.greengrass'],
          'detail-type': ['Greengrass V2 Installed Component Status Change'],
          detail: {
            components: {
              componentName: [{ prefix: functionComponentPrefix(corePrefix) }],
              lifecycleState: ['BROKEN'],
            },
          },
        },
      },
      target,
    }),
  };
}

function greengrassStatements({ corePrefix, functionsBucket }: StackContext): Statement[] {
  const components = `components:${functionComponentPrefix(corePrefix)}*`;
  return [
    // Neither has a resource type (Service Authorization Reference, AWS IoT Greengrass V2).
    allow(['greengrass:CreateDeployment', 'greengrass:ListDeployments'], ['*']),
    // Deployments have ids that Greengrass gives; those of a target may be anybody's.
    allow(
      ['greengrass:GetDeployment', 'greengrass:CancelDeployment'],
      [regionalArn('greengrass', 'deployments:*')],
    ),
    // The pattern takes in `…:versions:<version>`, the resource of the last two.
    allow(
      ['greengrass:CreateComponentVersion', 'greengrass:DescribeComponent', 'greengrass:DeleteComponent'],
      [regionalArn('greengrass', components)],
    ),
    // Which cores there are is told by the groups, and those may be deployed without the stack.
    allow(
      ['greengrass:ListEffectiveDeployments', 'greengrass:ListInstalledComponents'],
      [regionalArn('greengrass', 'coreDevices:*')],
    ),
    // Greengrass reads the artifacts of a new component version in the caller's name; they are named by digest.
    allowObjects(functionsBucket, READ, ['packages/*', 'host/*']),
    ...onBehalfOfGreengrass(),
  ];
}

/**
 * Greengrass acts on IoT in the caller's name: a deployment for a thing is a shadow of it, one for a
 * thing group a job, whose id Greengrass gives. Targets come with the groups. Source: Service
 * Authorization Reference, AWS IoT Greengrass V2, "Dependent actions" of CreateDeployment,
 * GetDeployment, ListDeployments, ListEffectiveDeployments and CancelDeployment.
 */
function onBehalfOfGreengrass(): Statement[] {
  const things = regionalArn('iot', 'thing/*');
  const thingGroups = regionalArn('iot', 'thinggroup/*');
  const jobs = regionalArn('iot', 'job/*');
  return [
    allow(
      ['iot:DescribeThing', 'iot:GetThingShadow', 'iot:UpdateThingShadow', 'iot:DeleteThingShadow'],
      [things],
    ),
    allow(['iot:DescribeThingGroup'], [thingGroups]),
    allow(['iot:CreateJob'], [jobs, things, thingGroups]),
    allow(['iot:CancelJob', 'iot:UpdateJob', 'iot:DescribeJob'], [jobs]),
    allow(['iot:DescribeJobExecution'], [jobs, things]),
  ];
}
