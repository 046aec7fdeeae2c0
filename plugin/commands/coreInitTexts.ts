import type { InitialisedCore } from '../../operations/cores/standalone/coreInit';
import type { DeployedComponent } from '../../operations/cores/greengrass';
import { CORE_ROLE } from '../../operations/cores/greengrassV1/nodeTexts';

/** What became of it, on whichever platform. */
export type AnyInitialisedCore = InitialisedCore & {
  /** On Greengrass V2. */
  deployment?: DeployedComponent;
  /** On Greengrass V1. */
  greengrassGroup?: string;
};

export function coreInitText(done: AnyInitialisedCore): string {
  const lines = done.greengrassGroup === undefined ? coreText(done) : v1Text(done, done.greengrassGroup);
  return [...lines, ...done.warnings.map((warning) => `! ${warning}`)].join('\n');
}

function coreText(done: AnyInitialisedCore): string[] {
  const { group, core, out, unit, certificateId, deployment } = done;
  return [
    `${out} is the edge core ${core} of group ${group} (certificate ${certificateId.slice(0, 8)}…).`,
    ...(deployment === undefined ? [] : [deploymentText(deployment)]),
    ...commandText(done),
    ...reachText(done),
    ...(unit === undefined ? [] : [`To keep it running, see ${unit} there.`]),
    ...(done.command === undefined ? [] : [HOLDS_KEYS]),
  ];
}

const HOLDS_KEYS = 'The folder holds private keys.';

function v1Text({ group, core, out, certificateId }: AnyInitialisedCore, greengrassGroup: string): string[] {
  return [
    `${core} is the Greengrass V1 core of group ${group}; its certificate (${certificateId.slice(0, 8)}…) is in ${out}.`,
    `The engine puts it into the Greengrass group ${greengrassGroup} and deploys that. Left to you, as README.md there says:`,
    '',
    '  the V1 core software on the node, with this certificate',
    '  an IoT policy on the certificate for what a V1 core does in AWS IoT and Greengrass',
    `  the role ${CORE_ROLE} of the stack, attached to that Greengrass group (AssociateRoleToGroup)`,
    '',
    HOLDS_KEYS,
  ];
}

function commandText({ command, deployment }: AnyInitialisedCore): string[] {
  if (command === undefined)
    return ['Nothing has to be done on the node; README.md there says what it needs.'];
  const where =
    deployment === undefined
      ? 'Copy it to the node, which needs Node.js >= 20.19 and nothing else, and run there:'
      : 'Copy it to the node, whose README.md says what it needs, and run there as root:';
  return [where, '', `  ${command}`, ''];
}

function reachText({ hosts, port }: InitialisedCore): string[] {
  if (hosts === undefined) {
    return [
      "Devices connect to Greengrass's own broker and find it by discovery: the client device components have",
      'to be deployed to this core device, as docs/engines.md says.',
    ];
  }
  const reachable = hosts.some((host) => !['localhost', '127.0.0.1'].includes(host));
  return [
    `Devices reach it at ${hosts.map((host) => `${host}:${port}`).join(', ')}.`,
    ...(reachable ? [] : ['Only from the node itself: name it as devices see it with --host.']),
  ];
}

function deploymentText({ component, version, targetArn, deploymentId, isNew }: DeployedComponent): string {
  const target = targetArn.slice(targetArn.lastIndexOf(':') + 1);
  const what = `Component ${component} ${version} of ${target}`;
  return isNew
    ? `${what} is deployed by ${deploymentId}.`
    : `${what} was deployed already (${deploymentId}).`;
}
