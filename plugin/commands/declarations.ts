import { CORE_PLATFORMS } from '../../operations/cores/platforms';

/** `sls edge …` as the framework wants commands declared. It takes no positional arguments. */
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

type Options = Record<string, OptionDeclaration>;

const LOCAL: Options = {
  local: { usage: 'The cloud of "sls edge dev" on this machine instead of AWS', type: 'boolean' },
};
const COMMON: Options = {
  ...LOCAL,
  json: { usage: 'Print one JSON document', type: 'boolean' },
};

const optional = (usage: string): OptionDeclaration => ({ usage, type: 'string' });
const required = (usage: string): OptionDeclaration => ({ usage, type: 'string', required: true });
const flag = (usage: string): OptionDeclaration => ({ usage, type: 'boolean' });

function command(usage: string, options: Options = {}): CommandDeclaration {
  return { usage, lifecycleEvents: ['run'], options: { ...options, ...COMMON } };
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

export const EDGE_COMMANDS: Record<string, CommandDeclaration> = {
  edge: {
    usage: 'Functions on edges, on demand of devices',
    type: 'container',
    commands: {
      dev: {
        usage: 'Run the whole service on this machine: cloud, edge cores, TLS and all',
        lifecycleEvents: ['run'],
      },
      functions: command('List registered functions: versions, digests, sizes, where they may run', {
        function: { ...optional('This function alone'), shortcut: 'f' },
      }),
      groups: command('List the edge groups: core, devices, functions, state of the edge'),
      status: command('Show what should run and what runs on each edge, and who asked for it', {
        group: optional('This group alone'),
      }),
      deploy: command('Package, register what changed and roll out again, without CloudFormation', {
        group: optional('This group alone'),
        package: { ...optional('Use what was packaged into this folder'), shortcut: 'p' },
        prune: flag('Remove the devices that the service named before and names no more'),
      }),
      undeploy: command('Take a function away from edges', {
        function: { ...required('Name of the function'), shortcut: 'f' },
        group: optional('From this group alone'),
        device: optional('Only what this device asked for'),
      }),
      invoke: command('Call a function as a device: on the edge, or in the cloud through the edge', {
        function: { ...required('Name of the function'), shortcut: 'f' },
        device: required('Name of a device that "sls edge device add" added here'),
        location: optional('edge (default: brings the function there first), cloud or any'),
        'function-version': optional('Version or range, such as ^1; default: the latest'),
        data: { ...optional('Payload as JSON'), shortcut: 'd' },
        path: optional('File with the payload as JSON'),
        'device-config': optional('Client configuration of the device, where it is not in .edge'),
        timeout: optional('Seconds to wait for the result; default: 30'),
      }),
      events: command('Show packages, deployments, reports of edges and failures as they happened', {
        group: optional('This group alone'),
        since: optional('How far back: 30m, 12h, 7d; default: 1d'),
        tail: { ...flag('Stay and show what happens'), shortcut: 't' },
      }),
      logs: command('Show what edge cores and the functions there logged', {
        group: optional('This group alone'),
        function: { ...optional('This function alone'), shortcut: 'f' },
        core: flag('What the core itself logged alone'),
        level: optional('From this level on: trace, debug, info, warn or error'),
        since: optional('How far back: 30m, 12h, 7d; default: 1h'),
        tail: { ...flag('Stay and show what comes'), shortcut: 't' },
      }),
      doctor: command('Check credentials, endpoints, versions and clocks, and say what to do'),
      core: {
        usage: 'Edge cores',
        type: 'container',
        commands: {
          init: command('Make a folder that runs as the edge core of a group with one command', {
            group: required('Group of the core'),
            host: optional('Names or addresses of the node as devices see it, separated by commas'),
            port: optional('Port for devices; default: 8883'),
            out: optional('Folder to make; default: .edge/<stage>/cores/<group>'),
            replace: flag('Cut off the node that is the core now'),
            platform: optional(`${anyOf(Object.keys(CORE_PLATFORMS))}; default: that of the engine`),
            ...platformOptions(),
          }),
        },
      },
      device: {
        usage: 'Devices',
        type: 'container',
        commands: {
          add: command('Add a device to a group and write its client configuration', {
            name: required('Thing name of the device'),
            group: required('Group of the device'),
            out: optional('Folder for its files; default: .edge/<stage>/devices'),
          }),
          remove: command('Cut a device off and delete its certificates', {
            name: required('Thing name of the device'),
            group: optional('From this group alone'),
            thing: flag('Delete the thing as well, if this service made it'),
          }),
        },
      },
    },
  },
};
