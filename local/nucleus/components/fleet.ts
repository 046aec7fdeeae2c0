import type { LifecycleState } from '../../services/greengrass/coreDevices/store';
import { Component, type ComponentPorts, type ComponentSpec } from './component';

export interface FleetMember extends ComponentSpec {
  /** Names of the components without which it does not run. */
  hardDependencies: readonly string[];
}

export type FleetPorts = Omit<ComponentPorts, 'dependenciesReady' | 'onState'> & {
  onState: (component: Component, state: LifecycleState) => void;
};

/** All components of the core: starts them in the order of their dependencies, stops them in the reverse. */
export class Fleet {
  readonly #components = new Map<string, Component>();
  readonly #dependencies = new Map<string, readonly string[]>();
  readonly #listeners = new Set<() => void>();

  constructor(private readonly ports: FleetPorts) {}

  get(name: string): Component | undefined {
    return this.#components.get(name);
  }

  all(): Component[] {
    return [...this.#components.values()];
  }

  add(member: FleetMember): void {
    this.#dependencies.set(member.name, member.hardDependencies);
    const component = new Component(specOf(member), this.#componentPorts());
    this.#components.set(member.name, component);
    component.start();
  }

  /** `reinstall` also runs the install script again. */
  async change(member: FleetMember, how: 'reinstall' | 'restart'): Promise<void> {
    const component = this.#components.get(member.name);
    this.#dependencies.set(member.name, member.hardDependencies);
    await this.#withDependents(member.name, async () => component?.[how](specOf(member)));
  }

  async remove(name: string): Promise<void> {
    await this.#components.get(name)?.retire();
    this.#components.delete(name);
    this.#dependencies.delete(name);
  }

  /** Components that others need come last. */
  async stopAll(): Promise<void> {
    const left = new Set(this.#components.keys());
    while (left.size > 0) {
      const free = [...left].filter((name) => !this.#dependentsOf(name).some((other) => left.has(other)));
      const round = free.length > 0 ? free : [...left];
      await Promise.all(round.flatMap((name) => this.#components.get(name)?.retire() ?? []));
      for (const name of round) left.delete(name);
    }
  }

  /** Components that need it stop while it changes, and start again when it runs. */
  async #withDependents(name: string, change: () => Promise<void>): Promise<void> {
    const dependents = this.#dependentsOf(name).flatMap((other) => this.#components.get(other) ?? []);
    const running = dependents.filter(({ isReady, state }) => isReady || state === 'STARTING');
    await Promise.all(running.map((other) => other.stop()));
    await change();
    for (const other of running) await other.restart();
  }

  /** Directly or through others. */
  #dependentsOf(name: string): string[] {
    const found = new Set<string>();
    const visit = (wanted: string): void => {
      for (const [other, needs] of this.#dependencies) {
        if (!needs.includes(wanted) || found.has(other)) continue;
        found.add(other);
        visit(other);
      }
    };
    visit(name);
    return [...found];
  }

  #componentPorts(): ComponentPorts {
    return {
      ...this.ports,
      onState: (component) => {
        this.ports.onState(component, component.state);
        for (const listener of [...this.#listeners]) listener();
        if (component.state === 'ERRORED' || component.state === 'BROKEN') this.#onError(component.name);
      },
      dependenciesReady: (component, signal) => this.#dependenciesReady(component, signal),
    };
  }

  /** A component is stopped when what it needs does not run, and starts again when that runs. */
  #onError(name: string): void {
    for (const other of this.#dependentsOf(name)) {
      const component = this.#components.get(other);
      if (component?.isReady) void component.restart();
    }
  }

  #dependenciesReady(component: string, signal: AbortSignal): Promise<void> {
    const ready = (): boolean =>
      (this.#dependencies.get(component) ?? []).every((name) => this.#components.get(name)?.isReady ?? true);
    return new Promise((resolve) => {
      const look = (): void => {
        if (!signal.aborted && !ready()) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
      signal.addEventListener('abort', look, { once: true });
      look();
    });
  }
}

function specOf({ name, version, lifecycle }: FleetMember): ComponentSpec {
  return { name, version, lifecycle };
}
