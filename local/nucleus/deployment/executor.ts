import type { Logger } from 'pino';
import { systemClock } from '../../../lib/clock';
import { pause } from '../../../lib/timeLimit';
import type { DeploymentDocument } from '../../services/greengrass/deployments/document';
import type { CloudChannel, DeploymentStatus } from '../cloud/channel';
import type { Component } from '../components/component';
import type { Fleet } from '../components/fleet';
import { writeState, type NucleusState } from '../files';
import type { ArtifactStore } from './artifacts';
import { asDeploymentError, DeploymentError } from './errors';
import { selectManifest } from './manifest';
import { isPublic, memberOf, stepsBetween, type CoreState, type Steps } from './plan';
import { resolveComponents, type Resolved, type Roots } from './resolve';
import { targetState, type TargetParts } from './target';
import type { UpdateNotices } from './updateNotices';

export interface ExecutorParts extends TargetParts {
  channel: CloudChannel;
  fleet: Fleet;
  artifacts: ArtifactStore;
  notices: UpdateNotices;
  startPollMs: number;
  /** Folders, tokens: whatever a component needs before its first script. */
  prepareComponent: (name: string) => Promise<void>;
  log: Logger;
}

export type Outcome = Omit<DeploymentStatus, 'deploymentId'>;

/** What the detailed status says of the state that a failure left. */
type Aftermath =
  | 'FAILED_NO_STATE_CHANGE'
  | 'FAILED_ROLLBACK_NOT_REQUESTED'
  | 'FAILED_ROLLBACK_COMPLETE'
  | 'FAILED_UNABLE_TO_ROLLBACK';

/** Carries deployments out, one at a time. Source: developer guide, "Deploy components", and the nucleus. */
export class DeploymentExecutor {
  /** What is being brought about; otherwise what is. */
  #target: CoreState;

  constructor(
    private readonly parts: ExecutorParts,
    private state: NucleusState,
  ) {
    this.#target = state.components;
  }

  get components(): CoreState {
    return this.#target;
  }

  /** Starts what the core ran when it was stopped. */
  async begin(): Promise<void> {
    for (const [name, planned] of this.state.components) {
      this.parts.configuration.put(name, planned.configuration);
    }
    const steps = stepsBetween(new Map(), this.state.components, () => false);
    await this.#apply(steps, this.state.components);
  }

  /** `belongsTo`: the targets of the core; what a target brought that it left goes. */
  async run(document: DeploymentDocument, belongsTo: readonly string[]): Promise<Outcome> {
    const { log } = this.parts;
    let whole: DeploymentDocument;
    let targets: Roots;
    let resolved: Resolved;
    try {
      whole = await this.#whole(document);
      targets = this.#targets(whole, belongsTo);
      resolved = await this.#prepare(targets);
    } catch (error) {
      log.warn(
        { err: error, deploymentId: document.deploymentId },
        'deployment failed before it changed anything',
      );
      return failed('FAILED_NO_STATE_CHANGE', error);
    }
    await this.#ask(document);
    try {
      // This is read only now, because components may have changed their own configuration while they were
      // asked.
      return await this.#merge(
        whole,
        targetState(resolved, whole, this.parts, this.state.components),
        targets,
      );
    } finally {
      this.parts.notices.done(document.deploymentId);
    }
  }

  /** Keeps the values that components changed themselves. */
  save(): void {
    const components = new Map(
      [...this.state.components].map(([name, planned]) => {
        const configuration = this.parts.configuration.keptOf(name) ?? planned.configuration;
        return [name, { ...planned, configuration }] as const;
      }),
    );
    this.state = { ...this.state, components };
    writeState(this.parts.paths.state, this.state);
  }

  async #whole(document: DeploymentDocument): Promise<DeploymentDocument> {
    if (!document.requiredCapabilities.includes('LARGE_CONFIGURATION')) return document;
    try {
      return { ...document, components: await this.parts.channel.configuration(document.deploymentId) };
    } catch (error) {
      const codes = ['CLOUD_API_ERROR', 'ACCESS_DENIED', 'GET_DEPLOYMENT_CONFIGURATION_ACCESS_DENIED'];
      throw new DeploymentError(codes, ['PERMISSION_ERROR'], (error as Error).message);
    }
  }

  #targets({ targetArn, components }: DeploymentDocument, belongsTo: readonly string[]): Roots {
    const others = Object.entries(this.state.targets).filter(([arn]) => belongsTo.includes(arn));
    const versions = Object.entries(components).map(([name, one]) => [name, one.componentVersion] as const);
    return { ...Object.fromEntries(others), [targetArn]: Object.fromEntries(versions) };
  }

  async #prepare(targets: Roots): Promise<Resolved> {
    const { channel, artifacts, platform } = this.parts;
    const resolved = await resolveComponents(targets, channel);
    for (const recipe of resolved.recipes.values()) {
      await artifacts.prepare(recipe, selectManifest(recipe, platform).artifacts);
    }
    return resolved;
  }

  async #ask({ deploymentId, deploymentPolicies }: DeploymentDocument): Promise<void> {
    const { action, timeoutInSeconds = 60 } = deploymentPolicies.componentUpdatePolicy ?? {};
    if (action === 'SKIP_NOTIFY_COMPONENTS') return;
    await this.parts.notices.ask(deploymentId, timeoutInSeconds * 1_000);
  }

  async #merge(document: DeploymentDocument, target: CoreState, targets: Roots): Promise<Outcome> {
    const before = this.state;
    // With what components wrote into their configuration since.
    this.save();
    const kept = this.state;
    try {
      await this.#switch(kept.components, target);
    } catch (error) {
      this.parts.log.warn({ err: error, deploymentId: document.deploymentId }, 'deployment failed');
      if (document.deploymentPolicies.failureHandlingPolicy === 'DO_NOTHING') {
        this.#keep({ targets, components: target });
        return failed('FAILED_ROLLBACK_NOT_REQUESTED', error);
      }
      return failed(await this.#rollBack(target, kept), error);
    }
    this.#keep({ targets, components: target });
    await this.#forgetUnused(before.components, target);
    const toThing = /:thing\//.test(document.targetArn);
    return { status: toThing ? 'COMPLETED' : 'SUCCEEDED', reason: 'SUCCESSFUL' };
  }

  async #rollBack(from: CoreState, to: NucleusState): Promise<Aftermath> {
    try {
      await this.#switch(from, to.components);
      this.#keep(to);
      await this.#forgetUnused(from, to.components);
      return 'FAILED_ROLLBACK_COMPLETE';
    } catch (error) {
      this.parts.log.error({ err: error }, 'rollback failed');
      this.#keep(to);
      return 'FAILED_UNABLE_TO_ROLLBACK';
    }
  }

  /** Throws DeploymentError when a component that was touched breaks. */
  async #switch(from: CoreState, to: CoreState): Promise<void> {
    const { configuration, fleet } = this.parts;
    this.#target = to;
    for (const [name, planned] of to) configuration.put(name, planned.configuration);
    const steps = stepsBetween(from, to, (name) => fleet.get(name)?.state === 'BROKEN');
    await this.#started(await this.#apply(steps, to));
    // As the real nucleus does it: what the deployment leaves out goes once everything new runs.
    for (const name of ours(steps.remove)) await fleet.remove(name);
    for (const name of steps.remove) configuration.put(name, undefined);
  }

  /** Names of the components that were added or changed. */
  async #apply(steps: Steps, to: CoreState): Promise<string[]> {
    const { fleet } = this.parts;
    for (const how of ['reinstall', 'restart'] as const) {
      for (const name of ours(steps[how])) await fleet.change(memberOf(to, name), how);
    }
    // What a deployment that failed had not removed yet runs on.
    const added = ours(steps.add).filter((name) => fleet.get(name) === undefined);
    for (const name of added) {
      await this.parts.prepareComponent(name);
      fleet.add(memberOf(to, name));
    }
    return [...added, ...ours([...steps.reinstall, ...steps.restart])];
  }

  async #started(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const touched = names.flatMap((name) => this.parts.fleet.get(name) ?? []);
    for (;;) {
      await pause(this.parts.startPollMs, undefined, systemClock);
      const broken = touched.filter(({ state }) => state === 'BROKEN');
      if (broken.length > 0) throw brokenError(broken);
      if (touched.every(({ isReady }) => isReady)) return;
    }
  }

  #keep(state: NucleusState): void {
    this.state = state;
    this.#target = state.components;
    writeState(this.parts.paths.state, state);
  }

  async #forgetUnused(before: CoreState, after: CoreState): Promise<void> {
    for (const [name, { recipe }] of before) {
      if (after.get(name)?.recipe.ComponentVersion === recipe.ComponentVersion) continue;
      await this.parts.artifacts.remove(name, recipe.ComponentVersion);
    }
  }
}

function ours(names: readonly string[]): string[] {
  return names.filter((name) => !isPublic(name));
}

function brokenError(broken: readonly Component[]): DeploymentError {
  const reasons = broken.map(
    ({ name, detail }) => `Service ${name} in broken state after deployment: ${detail ?? ''}`,
  );
  return new DeploymentError(
    ['COMPONENT_UPDATE_ERROR', 'COMPONENT_BROKEN'],
    ['USER_COMPONENT_ERROR'],
    reasons.join('; '),
  );
}

function failed(aftermath: Aftermath, thrown: unknown): Outcome {
  const { codes, types, message } = asDeploymentError(thrown);
  return {
    status: 'FAILED',
    reason: `${codes.at(-1) ?? 'DEPLOYMENT_FAILURE'}: ${aftermath}: ${message}`,
    statusDetails: { errorStack: ['DEPLOYMENT_FAILURE', ...codes], errorTypes: [...types] },
  };
}
