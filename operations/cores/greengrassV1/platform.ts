import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { V1_WARNING, v1GroupName } from '../../../protocol/greengrassV1';
import { pathInside } from '../../things/thingFiles';
import { refuseBrokerOptions, refusePubSub } from '../ownBroker';
import { HOLDS_KEYS, type CorePlatform } from '../platform';
import { CORE_ROLE, v1Readme } from './nodeTexts';
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
