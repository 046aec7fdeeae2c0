import type { Logger } from 'pino';
import {
  claimedVersion,
  EdgeError,
  functionKey,
  heldVersion,
  staticVersion,
  type VersionFailure,
  type GroupDefinition,
} from '../../protocol';
import { isSeen, type Outbox, type OutboxDraft } from './outbox';
import { UpdateSender, type UpdateSenderDeps } from './updateSender';

export interface ClaimsDeps extends UpdateSenderDeps {
  outbox: Outbox;
  log: Logger;
  definition: () => GroupDefinition;
  /** Certificate id with which a device is connected. */
  certificateOf: (device: string) => string | undefined;
}

/**
 * What the devices of this edge want, as the cloud will know it: the definition in force and, above it, the
 * outbox. Whoever changes or asks what a device wants does it here. Every change is numbered, stored and
 * sent until the cloud has answered.
 */
export class Claims {
  private readonly sender: UpdateSender;
  private closed = false;

  constructor(private readonly deps: ClaimsDeps) {
    this.sender = new UpdateSender(deps);
  }

  /** Sends what an earlier run of the core promised and never saw in a definition. */
  resume(): void {
    for (const entry of this.deps.outbox.entries()) {
      if (this.sender.isSending(entry) || isSeen(entry, this.deps.definition())) continue;
      this.sender
        .send(entry, { patient: true })
        .catch((err: unknown) =>
          this.deps.log.warn({ err, ...subjectOf(entry) }, 'an update of an earlier run was not accepted'),
        );
    }
  }

  /**
   * Resolves when the cloud has accepted the claim or a definition shows it. Rejects with the cloud's
   * refusal, CLOUD_UNREACHABLE or DEPLOYMENT_TIMED_OUT (as `Unanswered` when it was sent); the claim is
   * forgotten then.
   */
  claim(device: string, functionName: string, version: string): Promise<void> {
    this.joinInBackground(device);
    return this.submit({ type: 'claim', device, function: functionName, version });
  }

  /** Sends the claim up again and again until the cloud answers; nobody waits for it. */
  claimInBackground(device: string, functionName: string, version: string): void {
    this.joinInBackground(device);
    this.submitInBackground({ type: 'claim', device, function: functionName, version });
  }

  /**
   * A device that uses what is here already claims it too, so that it stays when others release it.
   * True when that took a claim.
   */
  keep(device: string, functionName: string, version: string): boolean {
    const claimed = this.claimedVersion(device, functionName);
    if ((claimed ?? staticVersion(this.deps.definition(), functionName)) === version) return false;
    this.claimInBackground(device, functionName, version);
    return true;
  }

  /** Like `claim`. Resolves at once when the device claims nothing of the function. */
  async release(device: string, functionName: string): Promise<void> {
    const version = this.heldVersion(device, functionName);
    if (version === undefined) return;
    await this.submit({ type: 'claim', device, function: functionName, version, released: true });
  }

  /** Takes back the claim of a deployment that failed, unless the device has made another one since. */
  withdraw(
    device: string,
    functionName: string,
    { version, previousVersion }: { version: string; previousVersion: string | undefined },
  ): void {
    const current = this.heldVersion(device, functionName);
    if (current !== undefined && current !== version && current !== previousVersion) return;
    this.submitInBackground({
      type: 'claim',
      device,
      function: functionName,
      version: previousVersion ?? version,
      ...(previousVersion === undefined ? { released: true } : {}),
    });
  }

  /** Adds a device that moved here to the group. Settles like `claim`; rejects with UNKNOWN_DEVICE too. */
  async join(device: string): Promise<void> {
    const certificateId = this.deps.certificateOf(device);
    if (certificateId === undefined) throw new EdgeError('UNKNOWN_DEVICE');
    await this.submit({ type: 'join', device, certificateId });
  }

  /** With the certificate that it presents: a device that got a new one joins with that. */
  isListed(device: string): boolean {
    const entry = this.deps.definition().devices[device];
    if (entry === undefined) return false;
    const presented = this.deps.certificateOf(device);
    return presented === undefined || presented === entry.certificateId;
  }

  /** Tells the cloud of a version that does not start, unless that is on its way already. */
  reportFailure(failure: VersionFailure): void {
    const { claims, static: fixed } = failure.upTo;
    const known = this.deps.outbox.failureOf(failure.function, failure.version);
    if (known !== undefined && known.upTo.claims >= claims && known.upTo.static >= fixed) return;
    this.submitInBackground({ type: 'failure', ...failure });
  }

  /** The version that serves the device's claim, counting what is still on its way. */
  claimedVersion(device: string, functionName: string): string | undefined {
    return this.versionOf(device, functionName, claimedVersion);
  }

  /** As `claimedVersion`, but the version that the claim names, also when another one serves it. */
  heldVersion(device: string, functionName: string): string | undefined {
    return this.versionOf(device, functionName, heldVersion);
  }

  /** Whether a claim of the device is on its way. */
  isClaiming(device: string, functionName: string): boolean {
    return this.deps.outbox.claimOf(device, functionName) !== undefined;
  }

  /** Keys of the functions that devices claim and that no definition shows yet. */
  promised(): Set<string> {
    const claims = this.deps.outbox.entries().filter((entry) => entry.type === 'claim');
    const live = claims.filter(({ released }) => released === undefined);
    return new Set(live.map((claim) => functionKey(claim.function, claim.version)));
  }

  /** A new definition is in force: what it shows needs no further copy. */
  applied(definition: GroupDefinition): void {
    this.deps.outbox.removeSeen(definition);
    this.sender.applied(definition);
  }

  close(): void {
    this.closed = true;
    this.sender.close();
  }

  private versionOf(device: string, functionName: string, inForce: typeof heldVersion): string | undefined {
    const entry = this.deps.outbox.claimOf(device, functionName);
    if (entry === undefined) return inForce(this.deps.definition(), device, functionName);
    return entry.released ? undefined : entry.version;
  }

  /** A claim of a device that moved here counts only once the device is in the group. */
  private joinInBackground(device: string): void {
    if (this.isListed(device) || this.deps.outbox.joinOf(device) !== undefined) return;
    const certificateId = this.deps.certificateOf(device);
    if (certificateId !== undefined) this.submitInBackground({ type: 'join', device, certificateId });
  }

  private submit(draft: OutboxDraft, { patient = false } = {}): Promise<void> {
    if (this.closed) return Promise.reject(new EdgeError('CLOSED'));
    return this.sender.send(this.deps.outbox.add(draft, this.deps.definition()), { patient });
  }

  /** Sent until there is an answer; a refusal concerns nobody but the log. */
  private submitInBackground(draft: OutboxDraft): void {
    this.submit(draft, { patient: true }).catch((err: unknown) =>
      this.deps.log.warn({ err, ...subjectOf(draft) }, 'an update was not accepted'),
    );
  }
}

/** For the log. */
function subjectOf(entry: OutboxDraft): object {
  return entry.type === 'failure'
    ? { function: entry.function, version: entry.version }
    : { device: entry.device };
}
