import { connect } from 'node:net';
import { REQUEST_PREFIX } from '../../protocol';
import type { OperatorAccess } from '../groups/changeGroup';
import { objectsBelow } from '../objects';
import { groupOverviews, isAlive } from './overview';

/** One finding of a doctor. */
export interface Check {
  name: string;
  state: 'ok' | 'warning' | 'failed';
  found: string;
  /** What to do about it. */
  action?: string;
}

export const ok = (name: string, found: string): Check => ({ name, state: 'ok', found });
const warning = (name: string, found: string, action: string): Check => ({
  name,
  state: 'warning',
  found,
  action,
});
export const failed = (name: string, found: string, action: string): Check => ({
  name,
  state: 'failed',
  found,
  action,
});

/** Whatever is thrown is a finding, with the given advice. */
export async function attempt(name: string, action: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    const { name: kind, message } = error as Error;
    return failed(name, [kind, message].filter(Boolean).join(': '), action);
  }
}

/** Everything that can be seen of a deployed service from here. */
export async function checkService(access: OperatorAccess, now = Date.now): Promise<Check[]> {
  const { outputs } = access;
  return Promise.all([
    bucketCheck(access, outputs.functionsBucket, 'uploads/'),
    bucketCheck(access, outputs.stateBucket, 'groups/'),
    iotCheck(access),
    httpCheck(outputs.httpApiUrl),
    clockCheck(outputs.httpApiUrl, now),
    backlogCheck(access, now),
    failuresCheck(access, now),
    edgesCheck(access),
  ]);
}

function bucketCheck({ operator }: OperatorAccess, bucket: string, prefix: string): Promise<Check> {
  const name = `bucket ${bucket}`;
  const action = 'check s3:ListBucket and s3:GetObject of your credentials; sls deploy makes the bucket';
  return attempt(name, action, async () => {
    await objectsBelow(operator.clients.s3, bucket, prefix);
    return ok(name, 'can be read');
  });
}

const MQTT_PORT = 8883;
const CONNECT_MS = 5_000;

function iotCheck({ operator }: OperatorAccess): Promise<Check> {
  const action = 'check iot:DescribeEndpoint of your credentials, and that a firewall lets port 8883 pass';
  return attempt('AWS IoT', action, async () => {
    const { data } = await operator.endpoints();
    const [host = '', port = MQTT_PORT] = data.split(':');
    await reach(host, Number(port));
    return ok('AWS IoT', `${host}:${port} can be reached`);
  });
}

function reach(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    socket.once('connect', () => resolve(void socket.destroy()));
    socket.once('timeout', () => {
      socket.destroy();
      reject(new Error(`no connection to ${host}:${port} within ${CONNECT_MS} ms`));
    });
    socket.once('error', reject);
  });
}

/** Routes ask for a signature: being refused without one is what should happen. */
function httpCheck(url: string): Promise<Check> {
  return attempt('HTTP API', 'sls deploy makes the API; check the network', async () => {
    const { status } = await fetch(`${url}/groups/doctor/definition`);
    if (status === 403 || status === 401) return ok('HTTP API', `${url} asks for a signature`);
    return failed('HTTP API', `${url} answers ${status} without a signature`, 'sls deploy again');
  });
}

const SKEW_WARNING_MS = 30_000;
/** Signatures of another age are refused. */
const SKEW_FAILURE_MS = 300_000;

function clockCheck(url: string, now: () => number): Promise<Check> {
  const action = 'set the clock of this machine by NTP';
  return attempt('clock', 'check the network', async () => {
    const asked = now();
    const { headers } = await fetch(url);
    const theirs = Date.parse(headers.get('date') ?? '');
    if (Number.isNaN(theirs)) return warning('clock', 'the API tells no time', 'check the clock by hand');
    // Their second began up to one second before they said so, and the answer took its time.
    const skew = Math.abs((asked + now()) / 2 - theirs - 500);
    const found = `${(skew / 1000).toFixed(1)} s apart from the cloud`;
    if (skew > SKEW_FAILURE_MS) return failed('clock', found, `${action}: signatures are refused`);
    return skew > SKEW_WARNING_MS ? warning('clock', found, action) : ok('clock', found);
  });
}

const BACKLOG_MS = 10 * 60_000;

function backlogCheck({ operator, outputs }: OperatorAccess, now: () => number): Promise<Check> {
  return attempt('updates', 'check s3:ListBucket of your credentials', async () => {
    const all = await objectsBelow(operator.clients.s3, outputs.stateBucket, REQUEST_PREFIX);
    const old = all.filter(({ at }) => at < now() - BACKLOG_MS);
    if (old.length === 0)
      return ok('updates', all.length === 0 ? 'none is waiting' : `${all.length} on the way`);
    const found = `${old.length} wait for more than 10 minutes`;
    return failed('updates', found, 'read why: sls logs -f performDeployment');
  });
}

const DAY_MS = 86_400_000;

function failuresCheck({ operator, outputs }: OperatorAccess, now: () => number): Promise<Check> {
  return attempt('failures', 'check s3:ListBucket of your credentials', async () => {
    const all = await objectsBelow(operator.clients.s3, outputs.stateBucket, 'failures/');
    const recent = all.filter(({ at }) => at > now() - DAY_MS);
    if (recent.length === 0) return ok('failures', 'none within a day');
    return warning('failures', `${recent.length} within a day`, 'see them with: sls edge events');
  });
}

function edgesCheck(access: OperatorAccess): Promise<Check> {
  return attempt('edges', 'see "sls edge status"', async () => {
    const all = await groupOverviews(access);
    const without = all.filter(({ core }) => core === undefined).map(({ group }) => group);
    const silent = all.filter((each) => each.core !== undefined && !isAlive(each)).map(({ group }) => group);
    const broken = all.flatMap(({ functions }) => functions.filter(({ state }) => state === 'failed'));
    if (broken.length > 0) {
      const keys = broken.map(({ key }) => key).join(', ');
      return failed('edges', `failed there: ${keys}`, 'see why with: sls edge status');
    }
    if (without.length > 0) {
      return warning('edges', `no core in ${without.join(', ')}`, 'sls edge core init --group <group>');
    }
    if (silent.length > 0) {
      return warning(
        'edges',
        `no core runs in ${silent.join(', ')}`,
        'start it on its node, or read its log there',
      );
    }
    return ok('edges', all.length === 0 ? 'no groups yet' : `${all.length} running`);
  });
}
