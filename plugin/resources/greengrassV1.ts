import { V1_SYSTEM_FUNCTIONS } from '../../protocol/greengrassV1';
import { allow, regionalArn, type ResourceContext, type Statement } from './resource';

const DEFINITIONS = ['Core', 'Device', 'Function', 'Logger', 'Resource', 'Subscription'];

/**
 * What `performDeployment` does with Greengrass V1. Greengrass gives groups and definitions ids of its
 * own, and a group may use definitions that somebody made in the console: neither can be named ahead.
 * Source: Service Authorization Reference, AWS IoT Greengrass V1.
 */
export function greengrassV1Statements({ configuration }: ResourceContext): Statement[] {
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
      V1_SYSTEM_FUNCTIONS.map((name) => regionalArn('lambda', `function:${configuration.lambdaName(name)}`)),
    ),
  ];
}
