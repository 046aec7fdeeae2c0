import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ClientConfig } from '../../operations/things/deviceAdd';
import { loadDevicePackage } from '../../operations/things/devicePackage';
import { EdgeError, type ErrorBody } from '../../protocol';
import { text, type CommandContext, type CommandResult } from './command';
import { deviceFolder } from './devices';

/** The part of the device client that this command calls; a package of its own, which devices install. */
interface DevicePackage {
  EdgeClient: {
    connect(options: object): Promise<{
      core: { name: string };
      deploy(
        name: string,
        options: object,
      ): Promise<{ invoke(payload: unknown, options: object): Promise<unknown> }>;
      invoke(name: string, payload: unknown, options: object): Promise<unknown>;
      close(): Promise<void>;
    }>;
  };
}

const LOCATIONS = ['edge', 'cloud', 'any'] as const;
const DEFAULT_SECONDS = 30;

/**
 * `sls edge invoke --function --device`: a real device request, with the certificate of that device,
 * over the edge. There is no other way in: functions answer to devices, not to operators. A call on the
 * edge brings the function there first, as the device itself would, and leaves the device's claim.
 */
export async function invoke(context: CommandContext): Promise<CommandResult> {
  const { options } = context;
  const name = text(options, 'function') ?? '';
  const location = locationOf(text(options, 'location'));
  const payload = await payloadOf(context);
  const { EdgeClient } = loadDevicePackage(context.serverless.serviceDir) as DevicePackage;
  const version = text(options, 'function-version');
  const wanted = { timeout: timeoutOf(text(options, 'timeout')), ...(version !== undefined && { version }) };
  const client = await EdgeClient.connect(await deviceConfig(context)).catch(asOurs);
  try {
    let report: object = {};
    const call = { ...wanted, location, onReport: (given: object) => (report = given) };
    if (location === 'edge') await client.deploy(name, wanted);
    const result = await client.invoke(name, payload, call);
    return { json: { ...report, result }, text: JSON.stringify(result ?? null, null, 2) };
  } catch (error) {
    return asOurs(error);
  } finally {
    await client.close();
  }
}

function locationOf(given: string | undefined): (typeof LOCATIONS)[number] {
  const found = LOCATIONS.find((each) => each === (given ?? 'edge'));
  if (found !== undefined) return found;
  throw new EdgeError('BAD_REQUEST', `--location: found ${given}`, {
    expected: `one of ${LOCATIONS.join(', ')}`,
  });
}

function timeoutOf(given: string | undefined): number {
  const seconds = Number(given ?? DEFAULT_SECONDS);
  if (seconds > 0) return seconds * 1000;
  throw new EdgeError('BAD_REQUEST', `--timeout: found ${given}`, { expected: 'seconds, more than 0' });
}

async function payloadOf({ options, serverless }: CommandContext): Promise<unknown> {
  const file = text(options, 'path');
  const json =
    file === undefined
      ? text(options, 'data')
      : await readFile(path.resolve(serverless.serviceDir, file), 'utf8');
  if (json === undefined) return null;
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    const option = file === undefined ? '--data' : file;
    throw new EdgeError('BAD_REQUEST', `${option}: not JSON`, { expected: 'a JSON document', cause });
  }
}

/** What `device add` wrote here, or the files of a device that `sls edge dev` provisioned. */
async function deviceConfig(context: CommandContext): Promise<ClientConfig> {
  const { options, serverless, service } = context;
  const device = text(options, 'device') ?? '';
  const given = text(options, 'device-config');
  const folder = deviceFolder(context);
  const file =
    given === undefined
      ? path.join(folder, `${encodeURIComponent(device)}.json`)
      : path.resolve(serverless.serviceDir, given);
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ClientConfig;
  } catch (cause) {
    const provisioned = path.join(folder, encodeURIComponent(device));
    const own = given === undefined && service.local && (await devDevice(device, provisioned, service.local));
    if (own) return { ...own, prefix: service.outputs.devicePrefix };
    throw new EdgeError('NOT_FOUND', `no client configuration of ${device}: ${file}`, {
      expected: `sls edge device add --name ${device} --group <group>, or --device-config <file>`,
      cause,
    });
  }
}

async function devDevice(thingName: string, folder: string, local: { ca: string; discoveryUrl: string }) {
  try {
    return {
      thingName,
      certificate: await readFile(path.join(folder, 'certificate.pem'), 'utf8'),
      privateKey: await readFile(path.join(folder, 'private.key'), 'utf8'),
      ca: local.ca,
      discovery: { url: local.discoveryUrl },
    };
  } catch {
    return undefined;
  }
}

/** The client has error classes of its own build, with the same codes. */
function asOurs(error: unknown): never {
  const body = error as Partial<ErrorBody> & { name?: string };
  if (body.name === 'EdgeError') throw EdgeError.fromJSON(body);
  throw error;
}
