import { deviceOfCertificate, EdgeError, type GroupDefinition } from '../../protocol';
import type { Cloud } from '../ports';
import type { Clock } from '../../lib/clock';

/**
 * Which devices this edge admits: those that the definition lists with the certificate
 * that they present. Possession of the key is proved by TLS; no authority needs to have signed it.
 * A certificate that the definition does not know is looked up in the cloud once.
 */
export interface PresentedCertificate {
  /** SHA-256 of the DER form, lower-case hex. */
  id: string;
  /** Milliseconds since the epoch. */
  validFrom: number;
  validTo: number;
}

export interface AdmissionDeps {
  cloud: Pick<Cloud, 'device'>;
  clock: Clock;
  definition(): GroupDefinition;
  limits?: Partial<AdmissionLimits>;
}

export interface AdmissionLimits {
  knownMs: number;
  /** Short, because the operator may be adding the device right now. */
  unknownMs: number;
  entries: number;
  /** Anybody who reaches the port can make up certificates: so many look-ups at a time, not more. */
  lookups: number;
}

const DEFAULT_LIMITS: AdmissionLimits = { knownMs: 600_000, unknownMs: 5_000, entries: 1_024, lookups: 16 };

/** Undefined thing name: the cloud does not know the certificate. */
interface LookedUp {
  thingName: string | undefined;
  until: number;
}

export class Admission {
  private readonly lookedUp = new Map<string, LookedUp>();
  private readonly flights = new Map<string, Promise<string | undefined>>();
  private readonly limits: AdmissionLimits;

  constructor(private readonly deps: AdmissionDeps) {
    this.limits = { ...DEFAULT_LIMITS, ...deps.limits };
  }

  /**
   * The thing name of the device that presents this certificate. Throws UNKNOWN_DEVICE,
   * DEVICE_REVOKED, or CLOUD_UNREACHABLE when only the cloud could tell.
   */
  async identify(certificate: PresentedCertificate): Promise<string> {
    requireValid(certificate, this.deps.clock.now());
    const listed = deviceOfCertificate(this.deps.definition(), certificate.id);
    if (listed?.revoked) throw new EdgeError('DEVICE_REVOKED');
    if (listed !== undefined) return listed.thingName;
    const thingName = await this.lookUp(certificate.id);
    if (thingName === undefined) throw new EdgeError('UNKNOWN_DEVICE');
    const refusal = this.refusalOf(thingName, certificate);
    if (refusal !== undefined) throw refusal;
    return thingName;
  }

  /** Why a connected device may no longer stay; undefined while it may. */
  refusalOf(thingName: string, certificate: PresentedCertificate): EdgeError | undefined {
    if (certificate.validTo < this.deps.clock.now()) {
      return new EdgeError('UNKNOWN_DEVICE', 'the certificate has expired');
    }
    const definition = this.deps.definition();
    const owner = deviceOfCertificate(definition, certificate.id);
    if (owner?.revoked) return new EdgeError('DEVICE_REVOKED');
    const entry = definition.devices[thingName];
    if (entry?.revoked) return new EdgeError('DEVICE_REVOKED');
    if (owner !== undefined && owner.thingName !== thingName) return new EdgeError('UNKNOWN_DEVICE');
    // The operator's word on a device's certificate stands above what the cloud's registry says.
    if (entry?.source === 'operator' && entry.certificateId !== certificate.id) {
      return new EdgeError('UNKNOWN_DEVICE', 'the device has another certificate');
    }
    return undefined;
  }

  /**
   * Why a device is not served that another broker has authenticated, of whose certificate the core learns
   * nothing; undefined while the definition lists it. One that moved here has to be added to the group.
   */
  refusalByName(thingName: string): EdgeError | undefined {
    const entry = this.deps.definition().devices[thingName];
    if (entry === undefined) return new EdgeError('UNKNOWN_DEVICE');
    return entry.revoked ? new EdgeError('DEVICE_REVOKED') : undefined;
  }

  private async lookUp(certificateId: string): Promise<string | undefined> {
    const known = this.lookedUp.get(certificateId);
    if (known !== undefined && known.until > this.deps.clock.now()) return known.thingName;
    this.lookedUp.delete(certificateId);
    const flight = this.flights.get(certificateId) ?? this.ask(certificateId);
    return flight;
  }

  private ask(certificateId: string): Promise<string | undefined> {
    if (this.flights.size >= this.limits.lookups) {
      return Promise.reject(new EdgeError('CLOUD_UNREACHABLE', 'too many unknown certificates at once'));
    }
    const flight = this.fetch(certificateId).finally(() => this.flights.delete(certificateId));
    this.flights.set(certificateId, flight);
    return flight;
  }

  private async fetch(certificateId: string): Promise<string | undefined> {
    try {
      const { thingName } = await this.deps.cloud.device(certificateId);
      this.remember(certificateId, thingName, this.limits.knownMs);
      return thingName;
    } catch (error) {
      const { code } = EdgeError.from(error, 'CLOUD_ERROR');
      if (code === 'DEVICE_REVOKED') throw error;
      if (code !== 'UNKNOWN_DEVICE' && code !== 'NOT_FOUND') {
        throw code === 'CLOUD_UNREACHABLE'
          ? error
          : new EdgeError('CLOUD_UNREACHABLE', undefined, { cause: error });
      }
      this.remember(certificateId, undefined, this.limits.unknownMs);
      return undefined;
    }
  }

  private remember(certificateId: string, thingName: string | undefined, ms: number): void {
    this.lookedUp.set(certificateId, { thingName, until: this.deps.clock.now() + ms });
    for (const oldest of this.lookedUp.keys()) {
      if (this.lookedUp.size <= this.limits.entries) break;
      this.lookedUp.delete(oldest);
    }
  }
}

function requireValid({ validFrom, validTo }: PresentedCertificate, now: number): void {
  if (validTo < now) throw new EdgeError('UNKNOWN_DEVICE', 'the certificate has expired');
  if (validFrom > now) throw new EdgeError('UNKNOWN_DEVICE', 'the certificate is not valid yet');
  if (Number.isNaN(validFrom) || Number.isNaN(validTo)) {
    throw new EdgeError('UNKNOWN_DEVICE', 'the certificate has no readable validity');
  }
}
