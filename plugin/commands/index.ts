import { CORE_PLATFORMS } from '../../operations/cores/platforms';
import type { CommandOptions, Serverless } from '../framework';
import { isSet, type Command, type CommandHost } from './command';
import { dev } from './dev';
import { reportResult, runCommand } from './run';

export type { CommandHost } from './command';

/** As the framework wants commands declared. It takes no positional arguments. */
export interface OptionDeclaration {
  usage: string;
  type: 'string' | 'boolean';
  required?: boolean;
  shortcut?: string;
}

export interface CommandDeclaration {
  usage: string;
  lifecycleEvents?: string[];
  /** A command that only has others below it: alone, it shows their help. */
  type?: 'container';
  options?: Record<string, OptionDeclaration>;
  commands?: Record<string, CommandDeclaration>;
}

/** A command of `sls edge …`: one that runs, or one that others are below. */
interface EdgeCommand {
  usage: string;
  options?: Options;
  run?: (host: CommandHost) => Promise<void>;
  commands?: Record<string, EdgeCommand>;
}

type Options = Record<string, OptionDeclaration>;

const COMMON: Options = {
  local: { usage: 'The cloud of "sls edge dev" on this machine instead of AWS', type: 'boolean' },
  json: { usage: 'Print one JSON document', type: 'boolean' },
};

const optional = (usage: string): OptionDeclaration => ({ usage, type: 'string' });
const required = (usage: string): OptionDeclaration => ({ usage, type: 'string', required: true });
const flag = (usage: string): OptionDeclaration => ({ usage, type: 'boolean' });

/** `load`: when it is asked for, because the SDK's clients would slow down every start of the framework. */
function command(load: () => Promise<Command>, usage: string, options: Options = {}): EdgeCommand {
  return { usage, options: { ...options, ...COMMON }, run: (host) => runCommand(host, load) };
}

/** `a, b or c` */
function anyOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`;
}

function platformOptions(): Options {
  const all = Object.entries(CORE_PLATFORMS).flatMap(([platform, { options = {} }]) =>
    Object.entries(options).map(([name, usage]) => [name, optional(`${platform}: ${usage}`)]),
  );
  return Object.fromEntries(all) as Options;
}

/** Every command: what it says of itself, and what it does. */
const COMMANDS: Record<string, EdgeCommand> = {
  edge: {
    usage: 'Functions on edges, on demand of devices',
    commands: {
      dev: {
        usage: 'Run the whole service on this machine: cloud, edge cores, TLS and all',
        options: {
          host: optional('Address where devices reach the edges, for a network; default: this machine alone'),
          port: optional(
            'Port for devices of the first group, those of others follow; default: one that stays',
          ),
          logs: optional('Output of these functions alone, separated by commas'),
          quiet: flag('Show what changes and what fails, and neither exchanges nor output'),
        },
        run: (host) => reportResult(host, () => dev(host).then(() => undefined)),
      },
      functions: command(
        async () => (await import('./functions')).functions,
        'List registered functions: versions, digests, sizes, where they may run',
        {
          function: { ...optional('This function alone'), shortcut: 'f' },
        },
      ),
      groups: command(
        async () => (await import('./status')).groups,
        'List the edge groups: core, devices, functions, state of the edge',
      ),
      status: command(
        async () => (await import('./status')).status,
        'Show what should run and what runs on each edge, and who asked for it',
        {
          group: optional('This group alone'),
        },
      ),
      deploy: command(
        async () => (await import('./deploy')).deploy,
        'Package, register what changed and roll out again, without CloudFormation',
        {
          group: optional('This group alone'),
          package: { ...optional('Use what was packaged into this folder'), shortcut: 'p' },
          prune: flag('Remove the devices that the service named before and names no more'),
        },
      ),
      undeploy: command(async () => (await import('./deploy')).undeploy, 'Take a function away from edges', {
        function: { ...required('Name of the function'), shortcut: 'f' },
        group: optional('From this group alone'),
        device: optional('Only what this device asked for'),
      }),
      invoke: command(
        async () => (await import('./invoke')).invoke,
        'Call a function as a device: on the edge, or in the cloud through the edge',
        {
          function: { ...required('Name of the function'), shortcut: 'f' },
          device: required('Name of a device that "sls edge device add" added here'),
          location: optional('edge (default: brings the function there first), cloud or any'),
          'function-version': optional('Version or range, such as ^1; default: the latest'),
          data: { ...optional('Payload as JSON'), shortcut: 'd' },
          path: optional('File with the payload as JSON'),
          'device-config': optional('Client configuration of the device, where it is not in .edge'),
          timeout: optional('Seconds to wait for the result; default: 30'),
        },
      ),
      events: command(
        async () => (await import('./history')).events,
        'Show packages, deployments, reports of edges and failures as they happened',
        {
          group: optional('This group alone'),
          since: optional('How far back: 30m, 12h, 7d; default: 1d'),
          tail: { ...flag('Stay and show what happens'), shortcut: 't' },
        },
      ),
      logs: command(
        async () => (await import('./history')).logs,
        'Show what edge cores and the functions there logged',
        {
          group: optional('This group alone'),
          function: { ...optional('This function alone'), shortcut: 'f' },
          core: flag('What the core itself logged alone'),
          level: optional('From this level on: trace, debug, info, warn or error'),
          since: optional('How far back: 30m, 12h, 7d; default: 1h'),
          tail: { ...flag('Stay and show what comes'), shortcut: 't' },
        },
      ),
      doctor: {
        usage: 'Check credentials, endpoints, versions and clocks, and say what to do',
        options: COMMON,
        // It has something to say where no service can be found, too.
        run: (host) => reportResult(host, async () => (await import('./doctor')).doctor(host)),
      },
      leave: {
        usage: 'Remove what the stack does not know of, so that the "edge" section can leave serverless.yml',
        options: { yes: flag('Cut every edge and device off: there is no way back'), ...COMMON },
        run: (host) => reportResult(host, async () => (await import('./leave')).leave(host)),
      },
      core: {
        usage: 'Edge cores',
        commands: {
          init: command(
            async () => (await import('./coreInit')).coreInit,
            'Make a folder that runs as the edge core of a group with one command',
            {
              group: required('Group of the core'),
              host: optional('Names or addresses of the node as devices see it, separated by commas'),
              port: optional('Port for devices; default: 8883'),
              out: optional('Folder to make; default: .edge/<stage>/cores/<group>'),
              replace: flag('Cut off the node that is the core now'),
              platform: optional(`${anyOf(Object.keys(CORE_PLATFORMS))}; default: that of the engine`),
              ...platformOptions(),
            },
          ),
        },
      },
      device: {
        usage: 'Devices',
        commands: {
          add: command(
            async () => (await import('./devices')).deviceAdd,
            'Add a device to a group and write its client configuration',
            {
              name: required('Thing name of the device'),
              group: required('Group of the device'),
              out: optional('Folder for its files; default: .edge/<stage>/devices'),
            },
          ),
          remove: command(
            async () => (await import('./devices')).deviceRemove,
            'Cut a device off and delete its certificates',
            {
              name: required('Thing name of the device'),
              group: optional('From this group alone'),
              thing: flag('Delete the thing as well, if this service made it'),
            },
          ),
        },
      },
    },
  },
};

export const EDGE_COMMANDS = declared(COMMANDS);

function declared(commands: Record<string, EdgeCommand>): Record<string, CommandDeclaration> {
  const all = Object.entries(commands).map(([name, { usage, options, run, commands: below }]) => [
    name,
    {
      usage,
      ...(run === undefined ? { type: 'container' as const } : { lifecycleEvents: ['run'] }),
      ...(options && { options }),
      ...(below && { commands: declared(below) }),
    },
  ]);
  return Object.fromEntries(all) as Record<string, CommandDeclaration>;
}

export function commandHooks(host: CommandHost): Record<string, () => Promise<void>> {
  return Object.fromEntries(hooksOf(COMMANDS, host));
}

function hooksOf(
  commands: Record<string, EdgeCommand>,
  host: CommandHost,
  parent = '',
): [string, () => Promise<void>][] {
  return Object.entries(commands).flatMap(([name, { run, commands: below = {} }]) => [
    ...(run === undefined
      ? []
      : [[`${parent}${name}:run`, () => run(host)] as [string, () => Promise<void>]]),
    ...hooksOf(below, host, `${parent}${name}:`),
  ]);
}

/** Set by whoever packages for the local cloud in a process of its own: local/dev/framework.ts. */
const FOR_LOCAL_CLOUD = 'EDGE_FOR_LOCAL_CLOUD';

/** Whether what is packaged goes to the local cloud, so that nothing may ask AWS. */
export function isForDev({ processedInput: { commands } }: Serverless): boolean {
  return commands.join(' ') === 'edge dev' || process.env[FOR_LOCAL_CLOUD] !== undefined;
}

/** An `sls edge …` that owes its caller a JSON document, whatever goes wrong. */
export function answersInJson({ processedInput }: Serverless, options: CommandOptions): boolean {
  return processedInput.commands[0] === 'edge' && isSet(options, 'json');
}
