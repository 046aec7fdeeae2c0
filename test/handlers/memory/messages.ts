import type { ErrorBody, RevisionNotice } from '../../../protocol';
import type { Deployment } from '../../../handlers/engines/engine';
import type {
  WallClock,
  CoreMessages,
  DeploymentRecords,
  DeviceDirectory,
  Log,
  RevisionNotices,
} from '../../../handlers/ports';
import { openGate, through, type Gate } from './gate';

export type CoreMessage =
  | { kind: 'accepted'; core: string; requestId: string }
  | { kind: 'refused'; core: string; requestId: string | undefined; error: ErrorBody };

export class MemoryCoreMessages implements CoreMessages, RevisionNotices {
  readonly sent: CoreMessage[] = [];
  readonly notices: (RevisionNotice & { core: string })[] = [];

  constructor(private readonly gate: Gate = openGate) {}

  async accepted(core: string, requestId: string): Promise<void> {
    return through(this.gate, 'accepted', () => void this.sent.push({ kind: 'accepted', core, requestId }));
  }

  async refused(core: string, requestId: string | undefined, error: ErrorBody): Promise<void> {
    return through(
      this.gate,
      'refused',
      () => void this.sent.push({ kind: 'refused', core, requestId, error }),
    );
  }

  async announce(core: string, notice: RevisionNotice): Promise<void> {
    return through(this.gate, `announce ${notice.revision}`, () => {
      this.notices.push({ core, ...notice });
    });
  }
}

export class MemoryDeploymentRecords implements DeploymentRecords {
  readonly written: Deployment[] = [];

  constructor(private readonly gate: Gate = openGate) {}

  async read(group: string, revision: number): Promise<Deployment | undefined> {
    return through(this.gate, `record ${revision}?`, () =>
      this.written.findLast((one) => one.group === group && one.revision === revision),
    );
  }

  async write(deployment: Deployment): Promise<void> {
    return through(this.gate, `record ${deployment.revision}`, () => void this.written.push(deployment));
  }
}

export class MemoryDeviceDirectory implements DeviceDirectory {
  readonly things = new Map<string, string>();
  lookUps = 0;

  async find(certificateId: string): Promise<{ thingName: string } | undefined> {
    this.lookUps += 1;
    const thingName = this.things.get(certificateId);
    return thingName === undefined ? undefined : { thingName };
  }
}

export const fixedClock: WallClock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5) };

/** Time passes when a test says so. */
export class PassingClock implements WallClock {
  private passed = 0;

  now(): number {
    return fixedClock.now() + this.passed;
  }

  pass(ms: number): void {
    this.passed += ms;
  }
}

export class MemoryLog implements Log {
  readonly lines: { level: 'info' | 'warn' | 'error'; message: string; fields: object }[] = [];

  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', message, fields });
  }
  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', message, fields });
  }
  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', message, fields });
  }
}
