import { z } from 'zod';
import {
  certificateIdSchema,
  coreUpdateSchema,
  EdgeError,
  MAX_UPDATE_PAYLOAD,
  parseJsonWith,
  requestIdOf,
  thingNameSchema,
  type CoreUpdate,
} from '../../protocol';
import { tryParseJson } from '../../lib/json';
import { openGroup } from '../definitions/access';
import { authoriseUpdate, type AuthorisePorts } from '../definitions/authoriseUpdate';
import type { WallClock, CoreMessages, DeploymentHint, Log, Requests } from '../ports';

export interface HandleDeploymentRequestPorts extends AuthorisePorts {
  requests: Requests;
  messages: CoreMessages;
  hint: DeploymentHint;
  clock: WallClock;
  log: Log;
}

/** What the IoT rule selects. The payload comes as it was sent, so that a malformed one is answered too. */
const ruleEventSchema = z.object({
  payload: z.string(),
  /** The topic segment that the core's IoT policy ties to its certificate. */
  core: thingNameSchema,
  /** `principal()`: the certificate id of an X.509 client. */
  principal: z.string(),
});
type RuleEvent = z.infer<typeof ruleEventSchema>;

/**
 * System function: authorises a core's definition update, stores it, answers `accepted`, and wakes
 * performDeployment: once it is stored, no crash can lose it. A second copy is accepted again. A refusal
 * is answered on `…/refused` and never thrown; a fault is thrown, so that the rule's Lambda retries.
 */
export async function handleDeploymentRequest(
  event: unknown,
  ports: HandleDeploymentRequestPorts,
): Promise<void> {
  const rule = ruleEventSchema.safeParse(event);
  if (!rule.success) {
    // Without a core there is nobody to answer, and a retry would bring the same event.
    ports.log.error({ issues: rule.error.issues }, 'not an event of the update rule');
    return;
  }
  const payload = Buffer.from(rule.data.payload, 'base64');
  let group: string;
  let requestId: string;
  try {
    ({ group, requestId } = await accept(rule.data, payload, ports));
  } catch (thrown) {
    if (!(thrown instanceof EdgeError) || thrown.retryable) throw thrown;
    await refuse(rule.data.core, payload, thrown, ports);
    return;
  }
  await Promise.all([
    ports.messages.accepted(rule.data.core, requestId),
    ports.hint(group).catch((error: unknown) => {
      ports.log.warn({ group, error: EdgeError.from(error).toJSON() }, 'the hint was lost');
    }),
  ]);
}

async function accept(
  event: RuleEvent,
  payload: Buffer,
  ports: HandleDeploymentRequestPorts,
): Promise<CoreUpdate> {
  if (payload.length > MAX_UPDATE_PAYLOAD) {
    throw new EdgeError('PAYLOAD_TOO_LARGE', `an update is at most ${MAX_UPDATE_PAYLOAD} bytes`, {
      expected: `at most ${MAX_UPDATE_PAYLOAD} bytes`,
    });
  }
  const update = parseJsonWith(coreUpdateSchema, payload, 'update');
  const principal = certificateIdSchema.safeParse(event.principal);
  if (!principal.success) throw new EdgeError('CORE_NOT_AUTHORISED');
  const definition = openGroup(update.group, await ports.definitions.read(update.group), {
    certificateId: principal.data,
    thingName: event.core,
  });
  const registers = await authoriseUpdate(update, definition, ports);
  const outcome = await ports.requests.store({
    requestId: update.requestId,
    group: update.group,
    origin: { kind: 'core', name: event.core },
    receivedAt: new Date(ports.clock.now()).toISOString(),
    statics: {},
    entitlements: {},
    ...registers,
  });
  ports.log.info({ group: update.group, requestId: update.requestId, outcome }, 'update accepted');
  return update;
}

async function refuse(
  core: string,
  payload: Buffer,
  error: EdgeError,
  { messages, log }: HandleDeploymentRequestPorts,
): Promise<void> {
  const requestId = requestIdOf(tryParseJson(payload));
  log.warn({ core, requestId, error: error.toJSON() }, 'update refused');
  await messages.refused(core, requestId, error.toJSON());
}
