import type { Logger } from 'pino';
import { SIMULATED_NUCLEUS_VERSION } from '../services/greengrass/components/publicComponents';
import type { InstalledComponent } from '../services/greengrass/coreDevices/store';
import type { CloudChannel, CoreReport } from './cloud/channel';
import type { Fleet } from './components/fleet';
import type { CoreState } from './deployment/plan';

export interface ReporterParts {
  channel: Pick<CloudChannel, 'report'>;
  fleet: Fleet;
  state: () => CoreState;
  platform: { os: string; architecture: string };
  log: Logger;
}

/** Tells the cloud what is installed and how it is: soon after a change, one report at a time. */
export class CoreReporter {
  #sending: Promise<void> | undefined;
  #changed = false;
  #closed = false;

  constructor(private readonly parts: ReporterParts) {}

  changed(): void {
    this.#changed = true;
    if (this.#closed) return;
    this.#sending ??= this.#send().finally(() => (this.#sending = undefined));
  }

  current(): CoreReport {
    const { platform, fleet } = this.parts;
    const broken = fleet.all().some(({ state }) => state === 'BROKEN');
    return {
      coreVersion: SIMULATED_NUCLEUS_VERSION,
      platform: platform.os,
      architecture: platform.architecture,
      status: broken ? 'UNHEALTHY' : 'HEALTHY',
      installed: this.#installed(),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#changed && !this.#closed) {
      this.#changed = false;
      try {
        await this.parts.channel.report({ core: this.current() });
      } catch (err) {
        this.parts.log.warn({ err }, 'status report failed; the next change or deployment brings it');
        return;
      }
    }
  }

  #installed(): InstalledComponent[] {
    return [...this.parts.state()].map(([componentName, { recipe, isRoot }]) => {
      const component = this.parts.fleet.get(componentName);
      return {
        componentName,
        componentVersion: recipe.ComponentVersion,
        isRoot,
        // Components of AWS are the nucleus itself.
        lifecycleState: component?.state ?? 'RUNNING',
        ...(component?.detail !== undefined && { lifecycleStateDetails: component.detail }),
        ...(component && component.statusCodes.length > 0 && { lifecycleStatusCodes: component.statusCodes }),
        changedAt: component?.changedAt ?? 0,
      };
    });
  }
}
