import { functionComponentPrefix } from '../../protocol';
import { permission } from './buckets';
import { greengrassV1Statements } from './greengrassV1';
import {
  allow,
  arnOf,
  bucketArn,
  regionalArn,
  type ResourceContext,
  type Resources,
  type Statement,
} from './resource';

/** What an engine needs beside the functions: for Greengrass, the events that tell what became of deployments. */
export function deploymentEngineResources(context: ResourceContext): Resources {
  const { corePrefix, section } = context.configuration;
  const status = (pattern: object) =>
    eventRule(context, 'EdgeDeploymentStatusRule', 'How Greengrass deployments end on edge cores', pattern);
  switch (section.engine.name) {
    case 'direct':
      return {};
    // Both also tell of those of other services: an event has the ids that Greengrass gave.
    case 'greengrass':
      return status({
        'detail-type': ['Greengrass Deployment Status Change'],
        detail: { status: ['Success', 'Failure'] },
      });
    case 'greengrassv2':
      return {
        ...status({ 'detail-type': ['Greengrass V2 Effective Deployment Status Change'] }),
        ...eventRule(context, 'EdgeBrokenFunctionRule', 'Functions that broke after their deployment', {
          'detail-type': ['Greengrass V2 Installed Component Status Change'],
          detail: {
            components: {
              componentName: [{ prefix: functionComponentPrefix(corePrefix) }],
              lifecycleState: ['BROKEN'],
            },
          },
        }),
      };
  }
}

/** A rule for events of Greengrass that wakes performDeployment. */
function eventRule(
  { provider }: ResourceContext,
  logicalId: string,
  description: string,
  pattern: object,
): Resources {
  const handler = provider.naming.getLambdaLogicalId('performDeployment');
  return {
    [logicalId]: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Description: description,
        EventPattern: { source: ['aws.greengrass'], ...pattern },
        State: 'ENABLED',
        Targets: [{ Id: 'performDeployment', Arn: arnOf(handler) }],
      },
    },
    [`${logicalId}Permission`]: permission(handler, 'events.amazonaws.com', arnOf(logicalId)),
  };
}

/** What `performDeployment` does with the engine's service, and with what that tells it. */
export function deploymentEngineStatements(context: ResourceContext): Statement[] {
  switch (context.configuration.section.engine.name) {
    case 'direct':
      return [];
    case 'greengrassv2':
      return [...rollBacks(context), ...greengrassV2(context)];
    case 'greengrass':
      return [...rollBacks(context), ...greengrassV1Statements(context)];
  }
}

/**
 * What did not come to the edge is rolled back by an update, with the last good version from the registry:
 * of any group and any function, which come after the stack.
 */
function rollBacks({ configuration: { stateBucket } }: ResourceContext): Statement[] {
  return [
    allow(['s3:PutObject'], [bucketArn(stateBucket, 'requests/*')]),
    allow(['s3:GetObject'], [bucketArn(stateBucket, 'registry/*/index.json')]),
  ];
}

function greengrassV2({ configuration }: ResourceContext): Statement[] {
  const components = `components:${functionComponentPrefix(configuration.corePrefix)}*`;
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
    allow(
      ['s3:GetObject'],
      [
        bucketArn(configuration.functionsBucket, 'packages/*'),
        bucketArn(configuration.functionsBucket, 'host/*'),
      ],
    ),
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
