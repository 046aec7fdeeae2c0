import type { Logger } from 'pino';
import {
  claimedVersion,
  EdgeError,
  functionKey,
  heldVersion,
  staticVersion,
  type FunctionManifest,
  type VersionFailure,
  type GroupDefinition,
} from '../../protocol';
import type { Outbox } from './outbox';
import { isSeen, type OutboxDraft } from './outboxEntry';
import { UpdateSender, type Sending, type UpdateSenderDeps } from './updateSender';

export interface ClaimsDeps extends UpdateSenderDeps {
  outbox: Outbox;
  log: Logger;
  /** The one in force. */
  definition: () => GroupDefinition;
  /** The newest of the cloud, which does not have what the cloud has stored since. */
  fetched: () => GroupDefinition;
  /**
   * Whether the core brings functions itself. Then what the cloud has stored is in force at once; else it is
   * when the definition comes for which somebody delivers them.
   */
  bringsFunctions: boolean;
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
        .accepted.catch((err: unknown) =>
          this.deps.log.warn({ err, ...subjectOf(entry) }, 'an update of an earlier run was not accepted'),
        );
    }
  }

  /** Sends the claim up. */
  claim(device: string, manifest: FunctionManifest): Sending {
    this.joinInBackground(device);
    const { name, version } = manifest;
    return this.submit({ type: 'claim', device, function: name, version, manifest });
  }

  /**
   * A device that uses what is here already claims it too, so that it stays when others release it.
   * Undefined when it holds the version already.
   */
  keep(device: string, manifest: FunctionManifest): Sending | undefined {
    const { name, version } = manifest;
    const claimed = this.claimedVersion(device, name);
    if ((claimed ?? staticVersion(this.deps.definition(), name)) === version) return undefined;
    this.joinInBackground(device);
    return this.submit({ type: 'claim', device, function: name, version, manifest });
  }

  /**
   * Resolves when the cloud has stored the release, at once when the device claims nothing of the function.
   * Rejects as `Sending.accepted` does.
   */
  async release(device: string, functionName: string): Promise<void> {
    const { outbox } = this.deps;
    const latest = outbox.claimOf(device, functionName);
    // Also where that is a release already: the cloud still has to store it.
    const isPending = latest !== undefined && outbox.isPending(latest);
    const version = isPending ? latest.version : this.heldVersion(device, functionName);
    if (version === undefined) return;
    await this.submit({ type: 'claim', device, function: functionName, version, released: true }).accepted;
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
    await this.submit({ type: 'join', device, certificateId }).accepted;
  }

  /**
   * Whether the cloud's definition lists the device, so that validateFunction knows it, too. With the
   * certificate that it presents: a device that got a new one joins with that.
   */
  isListed(device: string): boolean {
    const entry = this.deps.fetched().devices[device];
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

  /** The definition with what the cloud has stored of this edge and not shown in it yet. */
  over(definition: GroupDefinition): GroupDefinition {
    return this.deps.bringsFunctions ? this.deps.outbox.over(definition) : definition;
  }

  /** A new definition of the cloud is stored: what it shows needs no further copy. */
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
    const definition = this.deps.definition();
    if (entry === undefined || isSeen(entry, definition)) return inForce(definition, device, functionName);
    return entry.released ? undefined : entry.version;
  }

  /** A claim of a device that moved here counts only once the device is in the group. */
  private joinInBackground(device: string): void {
    if (this.isListed(device) || this.deps.outbox.joinOf(device) !== undefined) return;
    const certificateId = this.deps.certificateOf(device);
    if (certificateId !== undefined) this.submitInBackground({ type: 'join', device, certificateId });
  }

  private submit(draft: OutboxDraft, { patient = false } = {}): Sending {
    if (!this.closed)
      return this.sender.send(this.deps.outbox.add(draft, this.deps.definition()), { patient });
    const closed = Promise.reject(new EdgeError('CLOSED'));
    closed.catch(() => undefined);
    return { stored: closed, accepted: closed, insist: () => undefined };
  }

  /** Sent until there is an answer; a refusal concerns nobody but the log. */
  private submitInBackground(draft: OutboxDraft): void {
    this.submit(draft, { patient: true }).accepted.catch((err: unknown) =>
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
