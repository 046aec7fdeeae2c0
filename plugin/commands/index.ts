import { report, runCommand } from './run';
import { flag, type Command, type CommandHost } from './command';
import { dev } from './dev';
import type { CommandOptions, Serverless } from '../framework';

export { EDGE_COMMANDS } from './declarations';
export type { CommandHost } from './command';

/** Loaded when it is asked for: the SDK's clients would slow down every start of the framework. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  functions: async () => (await import('./functions')).functions,
  groups: async () => (await import('./groups')).groups,
  status: async () => (await import('./status')).status,
  deploy: async () => (await import('./deploy')).deploy,
  undeploy: async () => (await import('./undeploy')).undeploy,
  invoke: async () => (await import('./invoke')).invoke,
  events: async () => (await import('./events')).events,
  logs: async () => (await import('./logs')).logs,
  'core:init': async () => (await import('./coreInit')).coreInit,
  'device:remove': async () => (await import('./deviceRemove')).deviceRemove,
  'device:add': async () => (await import('./deviceAdd')).deviceAdd,
};

/** An `sls edge …` that owes its caller a JSON document, whatever goes wrong. */
export function answersInJson({ processedInput }: Serverless, options: CommandOptions): boolean {
  return processedInput.commands[0] === 'edge' && flag(options, 'json');
}

export function commandHooks(host: CommandHost): Record<string, () => Promise<void>> {
  const hooks = Object.entries(COMMANDS).map(([name, load]) => [
    `edge:${name}:run`,
    () => runCommand(host, load),
  ]);
  return {
    ...Object.fromEntries(hooks),
    // It has something to say where no service can be found, too.
    'edge:doctor:run': () => report(host, async () => (await import('./doctor')).doctor(host)),
    'edge:dev:run': () => dev(host.serverless, host.options, host.utils),
  };
}
