import type { EdgeConfiguration } from '../configuration/configuration';
import type { FunctionDefinition, Serverless } from '../framework';
import { isEdgeOnly } from './functionConfig';

export type TakenOut = Record<string, FunctionDefinition>;

/**
 * Takes edge-only functions out of the service, so that neither the framework nor another plugin makes
 * resources for them. The user's own configuration object stays as it is: a copy without them takes its place.
 */
export function takeOutEdgeOnly({ service }: Serverless, configuration: EdgeConfiguration): TakenOut {
  const all = Object.entries(service.functions);
  service.functions = Object.fromEntries(all.filter(([name]) => !isEdgeOnly(name, configuration)));
  return Object.fromEntries(all.filter(([name]) => isEdgeOnly(name, configuration)));
}

/** Functions that another plugin has added meanwhile stay. */
export function putBack({ service }: Serverless, taken: TakenOut): void {
  service.functions = { ...taken, ...service.functions };
}

/** Where `sls edge dev` keeps its state, private keys among it: never part of a function. */
const LOCAL_STATE = '!.edge/**';

export function excludeLocalState({ service }: Serverless): void {
  const patterns = service.package.patterns ?? [];
  if (!patterns.includes(LOCAL_STATE)) service.package.patterns = [LOCAL_STATE, ...patterns];
}
