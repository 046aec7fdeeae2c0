import { relative } from 'node:path';
import { changeText } from '../../operations/groups/groupChanges';
import type { AppliedPlan } from '../../operations/groups/applyPlan';
import type { MovedFunctions } from '../../operations/groups/moveToLatest';
import type { ChangePlan } from './changes';
import { updateCloudCode } from './cloudCode';
import type { DevEdges } from './devEdges';
import type { Environment } from './environment';
import type { PackagedAgain, Packager } from './packager';
import { needsRestart, startedWith } from './serviceChange';
import type { DevTerminal } from './terminal/devTerminal';
import type { Steps } from './terminal/steps';
import type { Colours } from './terminal/text';

export interface DevSessionOptions {
  environment: Environment;
  edges: DevEdges;
  packager: Packager;
  /** Packages the whole service anew. */
  startPackager: (detail: (text: string) => void) => Promise<Packager>;
  steps: Steps;
  terminal: DevTerminal;
  colours: Colours;
  /** `serverless.yml` was applied. */
  onApplied: () => Promise<void>;
}

const OLD_GOES_ON = 'The old code goes on.';

/** What `sls edge dev` does when files are saved. What runs goes on until the new is there, and if it fails. */
export class DevSession {
  private packager: Packager;

  constructor(private readonly options: DevSessionOptions) {
    this.packager = options.packager;
  }

  async act({ what, files }: ChangePlan): Promise<void> {
    const { terminal, colours, steps } = this.options;
    const begun = performance.now();
    const took = (): string => `${Math.round(performance.now() - begun)} ms`;
    const why = files.length === 0 ? 'redeployed' : named(files);
    try {
      if (what === 'service') await this.redeploy(why, took);
      else await steps.run(`${why}: packaging`, () => this.update(why, took));
    } catch (thrown) {
      const { message } = thrown as Error;
      terminal.say(colours.red(`${why}: ${message.trim()}`));
      terminal.say(colours.yellow(OLD_GOES_ON));
    }
  }

  close(): Promise<void> {
    return this.packager.close();
  }

  private async update(why: string, took: () => string): Promise<void> {
    const { environment, edges, terminal, colours } = this.options;
    const packages = await this.packager.again();
    terminal.forgetFailures();
    await updateCloudCode(environment.operator.clients.lambda, packages);
    const moved = await environment.updateFunctions(packages);
    const text = updateText(moved, packages);
    if (text === undefined) return;
    await edges.reached(moved.groups.map(({ group, after }) => ({ group, revision: after.revision })));
    const keys = moved.packages.map(({ name, version }) => `${name}@${version}`);
    const failed = keys.filter((key) => terminal.hasFailed(key));
    if (failed.length === 0) terminal.say(colours.green(`${why}: ${text} in ${took()}`));
    else terminal.say(colours.red(`${why}: ${failed.join(', ')} does not run. ${OLD_GOES_ON}`));
  }

  private async redeploy(why: string, took: () => string): Promise<void> {
    const { environment, edges, steps, terminal, colours, startPackager } = this.options;
    const next = await steps.run(`${why}: packaging the service`, startPackager);
    const old = this.packager;
    try {
      const restart = needsRestart(await startedWith(old.service), await startedWith(next.service));
      if (restart.length > 0) {
        const text = `${why}: a change of ${restart.join(', ')} needs a restart of "sls edge dev"; nothing is changed`;
        terminal.say(colours.yellow(text));
        await next.close();
        return;
      }
      const applied = await steps.run(`${why}: deploying`, () => environment.deploy(next.service));
      await edges.follow(applied.groups.map(({ group }) => group));
      await edges.reached(
        applied.groups.map(({ group, definition }) => ({ group, revision: definition.revision })),
      );
      await this.options.onApplied();
      for (const line of appliedLines(applied)) terminal.say(line);
      terminal.say(colours.green(`${why}: applied in ${took()}`));
    } catch (error) {
      await next.close();
      throw error;
    }
    this.packager = next;
    await old.close();
  }
}

/** `src/a.ts`, `src/a.ts and 2 more` */
function named(files: readonly string[]): string {
  const [first = '', ...more] = files;
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}

/** Undefined when nothing is otherwise than before. */
function updateText(
  { packages, groups }: MovedFunctions,
  packaged: readonly PackagedAgain[],
): string | undefined {
  const changed = packages.filter((each) => each.changed);
  if (changed.length + groups.length === 0) return undefined;
  const inCloud = packaged.some(
    ({ name, cloudFunction }) => cloudFunction !== undefined && changed.some((each) => each.name === name),
  );
  const places = [...groups.map(({ group }) => group), ...(inCloud ? ['the cloud'] : [])];
  const where = places.length === 0 ? ', used by nobody yet,' : ` on ${places.join(', ')}`;
  return `${changed.map(({ name, version }) => `${name}@${version}`).join(', ') || 'functions'}${where}`;
}

function appliedLines({ packages, groups }: AppliedPlan): string[] {
  return [
    ...packages.filter((each) => each.changed).map(({ name, version }) => `  ${name}@${version}`),
    ...groups.flatMap(({ group, changes }) => changes.map((change) => `  ${group}: ${changeText(change)}`)),
  ];
}

/** For people: relative to where they are, if that is shorter. */
export function shortPath(path: string, from = process.cwd()): string {
  const short = relative(from, path);
  return short.length < path.length && !short.startsWith('..') ? short : path;
}
