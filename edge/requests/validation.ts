import {
  EdgeError,
  matchesAnyDevicePattern,
  type Platform,
  type ValidateRequest,
  type ValidateResponse,
} from '../../protocol';
import type { Cloud } from '../ports';

interface Flight {
  device: string;
  answer: Promise<ValidateResponse>;
}

/**
 * Asks `validateFunction`, once for all devices that want the same function and version range at the
 * same time. What the cloud says of the device that happened to ask first holds for it alone.
 */
export class Validation {
  private readonly flights = new Map<string, Flight>();

  constructor(
    private readonly deps: { cloud: Pick<Cloud, 'validate'>; platform: Platform; newRequestId: () => string },
  ) {}

  /** Throws the cloud's refusal, NOT_ENTITLED or CLOUD_UNREACHABLE. */
  async validate(device: string, functionName: string, version?: string): Promise<ValidateResponse> {
    const key = `${functionName}@${version ?? ''}`;
    for (;;) {
      const flight = this.flights.get(key) ?? this.start(key, device, functionName, version);
      try {
        const answer = await flight.answer;
        requirePattern(answer, device);
        return answer;
      } catch (error) {
        // Each round has another first asker, so this ends.
        if (flight.device !== device && isAboutTheAsker(error)) continue;
        throw error;
      }
    }
  }

  private start(key: string, device: string, functionName: string, version?: string): Flight {
    const request: ValidateRequest = {
      requestId: this.deps.newRequestId(),
      device,
      location: 'edge',
      platform: this.deps.platform,
      ...(version === undefined ? {} : { version }),
    };
    const answer = this.deps.cloud.validate(functionName, request).finally(() => this.flights.delete(key));
    const flight = { device, answer };
    this.flights.set(key, flight);
    return flight;
  }
}

const ABOUT_THE_ASKER = new Set(['NOT_ENTITLED', 'UNKNOWN_DEVICE', 'DEVICE_REVOKED']);

function isAboutTheAsker(error: unknown): boolean {
  return error instanceof EdgeError && ABOUT_THE_ASKER.has(error.code) && !(error instanceof OwnRefusal);
}

/** This device's own refusal, read from the shared answer: asking again would not change it. */
class OwnRefusal extends EdgeError {}

function requirePattern(answer: ValidateResponse, device: string): void {
  if (matchesAnyDevicePattern(answer.devices, device)) return;
  throw new OwnRefusal('NOT_ENTITLED', `${device} may not use ${answer.manifest.name}`, {
    details: { device, function: answer.manifest.name },
  });
}
