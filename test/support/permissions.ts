import pino from 'pino';
import type { CloudFormationTemplate, Edge, EnvironmentOptions } from '../../local';
import { claimKey, type GroupDefinition } from '../../protocol';
import { GROUP, startTestEnvironment, type TestEnvironment } from './environment';
import { LogLines } from './logLines';
import { definitionOf } from './operatorChange';

interface Statement {
  Action: string[];
  Resource: unknown[];
}
interface Document {
  Statement: Statement[];
}
type Transform = (template: CloudFormationTemplate) => void;

/** A function that is not on the edge yet. */
export const FUNCTION = 'detectAnomaly';

export interface DeniedPlace {
  environment: TestEnvironment;
  edge: Edge;
  /** The cloud's. */
  log: LogLines;
  claim(device: string): Promise<GroupDefinition['claims'][string] | undefined>;
}

/** The service deployed without what `transform` takes away, and the edge of its group. */
export async function startWithout(
  transform: Transform,
  options: Partial<EnvironmentOptions> = {},
): Promise<DeniedPlace> {
  const log = new LogLines();
  const environment = await startTestEnvironment({
    log: pino({ level: 'info' }, log),
    retryDelaysMs: [50, 50],
    transform,
    ...options,
  });
  try {
    const edge = await environment.startEdge(GROUP, { poolSize: 1 });
    const claim = async (device: string) =>
      (await definitionOf(environment)).claims[claimKey(device, FUNCTION)];
    return { environment, edge, log, claim };
  } catch (error) {
    await environment.close();
    throw error;
  }
}

/**
 * Takes one action away from a role or an IoT policy of the template, for the resources whose text
 * matches; everything else stays. Throws when the template does not allow it in the first place.
 */
export function withoutAction(logicalId: string, action: string, resource = /./): Transform {
  return (template) => {
    let taken = 0;
    for (const document of documentsOf(template, logicalId)) {
      document.Statement = document.Statement.flatMap((statement) => {
        if (!statement.Action.includes(action)) return [statement];
        const kept = statement.Resource.filter((each) => !resource.test(JSON.stringify(each)));
        if (kept.length === statement.Resource.length) return [statement];
        taken += 1;
        const others = statement.Action.filter((each) => each !== action);
        return [
          ...(others.length > 0 ? [{ ...statement, Action: others }] : []),
          ...(kept.length > 0 ? [{ ...statement, Action: [action], Resource: kept }] : []),
        ];
      });
    }
    if (taken === 0) throw new Error(`${logicalId} does not allow ${action} on ${resource}`);
  };
}

/** Takes a resource away, a Lambda permission say. Throws when there is none. */
export function withoutResource(logicalId: string): Transform {
  return ({ Resources }) => {
    if (!(logicalId in Resources)) throw new Error(`the template has no ${logicalId}`);
    delete Resources[logicalId];
    for (const resource of Object.values(Resources) as { DependsOn?: string | string[] }[]) {
      if (resource.DependsOn === undefined) continue;
      resource.DependsOn = [resource.DependsOn].flat().filter((id) => id !== logicalId);
    }
  };
}

export function all(...transforms: Transform[]): Transform {
  return (template) => transforms.forEach((transform) => transform(template));
}

function documentsOf({ Resources }: CloudFormationTemplate, logicalId: string): Document[] {
  const properties = Resources[logicalId]?.Properties as
    { PolicyDocument?: Document; Policies?: { PolicyDocument: Document }[] } | undefined;
  if (properties === undefined) throw new Error(`the template has no ${logicalId}`);
  const { PolicyDocument, Policies = [] } = properties;
  return PolicyDocument ? [PolicyDocument] : Policies.map((policy) => policy.PolicyDocument);
}
