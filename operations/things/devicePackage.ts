import { createRequire } from 'node:module';
import { join } from 'node:path';
import { EdgeError } from '../../protocol/errors';

const DEVICE_PACKAGE = 'serverless-edge-on-demand-device';

/**
 * The device client, a package of its own that devices install: that of the service, else the one beside
 * this package. Throws UNSUPPORTED when there is none, or when it cannot be loaded here.
 */
export function loadDevicePackage(serviceDir: string): unknown {
  const expected = `npm install --save-dev ${DEVICE_PACKAGE}`;
  for (const from of [join(serviceDir, 'package.json'), __filename]) {
    const require = createRequire(from);
    const file = resolved(require);
    if (file === undefined) continue;
    try {
      return require(file) as unknown;
    } catch (cause) {
      // Something that it needs is missing, or was not made for this machine.
      const [reason = ''] = (cause as Error).message.split('\n');
      throw new EdgeError('UNSUPPORTED', `${DEVICE_PACKAGE} cannot be loaded: ${reason}`, {
        expected,
        cause,
      });
    }
  }
  throw new EdgeError('UNSUPPORTED', `${DEVICE_PACKAGE} is not installed, and a call is a device's call`, {
    expected,
  });
}

function resolved(require: NodeJS.Require): string | undefined {
  try {
    return require.resolve(DEVICE_PACKAGE);
  } catch {
    return undefined;
  }
}
