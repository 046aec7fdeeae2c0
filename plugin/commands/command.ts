import type { EdgeConfiguration } from '../configuration/configuration';
import type { CommandOptions, Serverless, Utils } from '../framework';
import type { DeployedService } from './service';

/** What the plugin gives to every command. */
export interface CommandHost {
  serverless: Serverless;
  options: CommandOptions;
  utils: Utils;
  /** Throws CONFIG_INVALID. */
  configuration: () => EdgeConfiguration;
}

export interface CommandContext extends CommandHost {
  service: DeployedService;
}

/** What a command has to say: one document for machines, one text for people. */
export interface CommandResult {
  json: unknown;
  text: string;
  /** The command did its work and found something wrong: exit code 1. */
  failed?: boolean;
}

export type Command = (context: CommandContext) => Promise<CommandResult | undefined>;

/** An option that must have a value. The framework has checked the required ones. */
export function text(options: CommandOptions, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function isSet(options: CommandOptions, name: string): boolean {
  return options[name] === true;
}

/** `a, b` → `['a', 'b']` */
export function list(options: CommandOptions, name: string): string[] {
  return (text(options, name) ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}
