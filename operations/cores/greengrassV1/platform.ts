import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { V1_RUNTIME, V1_STATE_DIR, V1_WARNING, v1GroupName } from '../../../protocol/greengrassV1';
import { pathInside } from '../../things/thingFiles';
import { refuseBrokerOptions, refusePubSub } from '../ownBroker';
import { HOLDS_KEYS, type CorePlatform } from '../platform';
import { V1Removal } from './removal';

/**
 * A Greengrass V1 core: its certificate and its name in the group, whose definition the engine brings into
 * its Greengrass group. Everything else is the operator's, as the README in the folder says: the core
 * software, its rights in AWS IoT and Greengrass, the role of the Greengrass group. Devices find the core and
 * whom to trust by V1's own discovery.
 */
export const greengrassV1: CorePlatform = {
  steps(given) {
    refusePubSub(given, 'greengrass');
    refuseBrokerOptions(given, '--platform greengrass');
    return {
      usesDiscovery: false,
      async prepare({ access, options, certificateId, files }) {
        const { group, core, out, region } = options;
        const { corePolicy, corePrefix } = access.outputs;
        const greengrassGroup = v1GroupName(corePrefix, group);
        const { data } = await access.operator.endpoints();
        const readme = v1Readme({
          ...{ group, core, greengrassGroup, region, corePolicy, iotHost: data },
          credentials: [files?.certificate, files?.privateKey, files?.ca].map(pathInside(out)),
        });
        await writeFile(join(out, 'README.md'), readme);
        return {
          facts: { greengrassGroup },
          lines: [
            `${core} is the Greengrass V1 core of group ${group}; its certificate (${certificateId.slice(0, 8)}…) is in ${out}.`,
            `The engine puts it into the Greengrass group ${greengrassGroup} and deploys that. Left to you, as README.md there says:`,
            '',
            '  the V1 core software on the node, with this certificate',
            '  an IoT policy on the certificate for what a V1 core does in AWS IoT and Greengrass',
            `  the role ${CORE_ROLE} of the stack, attached to that Greengrass group (AssociateRoleToGroup)`,
            '',
            HOLDS_KEYS,
          ],
          warnings: [V1_WARNING],
        };
      },
    };
  },
  removal: () => new V1Removal(),
};

interface V1NodeTexts {
  group: string;
  /** Thing name. */
  core: string;
  greengrassGroup: string;
  region: string;
  corePolicy: string;
  /** Host of AWS IoT's data plane. */
  iotHost: string;
  /** Paths below the folder: certificate, private key, authority of the cloud. */
  credentials: readonly string[];
}

/** Logical id in the stack of the role for cores. */
const CORE_ROLE = 'EdgeCoreRole';

/**
 * What is the operator's on a V1 core. Sources: AWS IoT Greengrass V1 developer guide, "Configure the AWS IoT
 * Greengrass core", "Greengrass group role", "Greengrass service role".
 */
function v1Readme(texts: V1NodeTexts): string {
  const { group, core, greengrassGroup, region, corePolicy, iotHost, credentials } = texts;
  return `# Greengrass V1 core of group ${group}

${V1_WARNING}

This folder holds a private key. "sls edge core init" has made the thing ${core} and its certificate, and has
named it as the core of the group: the engine puts it into the Greengrass group ${greengrassGroup}, with the
edge system functions, and deploys that. Left to you:

1. The AWS IoT Greengrass V1 core software on the node, and Node.js 12 there as \`${V1_RUNTIME}\`. Its
   \`config.json\` names the thing ${core}, ${credentials.map((file) => `\`${file}\``).join(', ')} of this folder,
   and the hosts ${iotHost} and greengrass-ats.iot.${region}.amazonaws.com. The functions keep their state in
   \`${V1_STATE_DIR}\`: make that folder, for the user that they run as.
2. An IoT policy for what a V1 core does in AWS IoT and Greengrass, attached to its certificate:
   \`${corePolicy}\`, which it has, holds the topics of this service alone.
3. The role of the Greengrass group, with which the functions call this service. Its ARN is that of ${CORE_ROLE}
   in the stack:

       aws greengrass associate-role-to-group --group-id <id of ${greengrassGroup}> --role-arn <ARN>

4. Once for an account and region, the service role of Greengrass:
   \`aws greengrass associate-service-role-to-account\`.

Devices find the core by Greengrass discovery. \`sls remove\` deletes the Greengrass group and its definitions.
`;
}
