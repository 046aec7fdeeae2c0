import { invalid, type Problem } from '../configuration/problems';
import type { EdgeConfiguration } from '../configuration/configuration';
import type { Serverless, ServerlessService } from '../framework';
import type { TakenOut } from './edgeOnly';
import { isEdgeOnly } from './functionConfig';

/**
 * A function that runs on edges only is no Lambda function: whoever refers to one would get a template that
 * packages well and cannot be deployed.
 */
function needsCloud(name: string, path: string): Problem {
  return {
    path: `edge.functions.${name}.locations`,
    text: `found "edge" alone, and ${path} refers to its Lambda function, expected [edge, cloud]`,
  };
}

/** Places of the configuration where the framework takes the name of a function. Throws CONFIG_INVALID. */
export function requireNoCallers(service: ServerlessService, configuration: EdgeConfiguration): void {
  const problems = [...destinations(service), ...authorizers(service), ...eventAuthorizers(service)]
    .filter(({ name }) => isEdgeOnly(name, configuration))
    // What is left out itself refers to nothing.
    .filter(({ by }) => by === undefined || !isEdgeOnly(by, configuration))
    .map(({ name, path }) => needsCloud(name, path));
  if (problems.length > 0) throw invalid(problems);
}

interface NamedFunction {
  name: string;
  path: string;
  /** The function that names it. */
  by?: string;
}

function destinations({ functions }: ServerlessService): NamedFunction[] {
  return Object.entries(functions).flatMap(([by, definition]) =>
    Object.entries((definition['destinations'] ?? {}) as Record<string, unknown>).flatMap(
      ([outcome, name]) =>
        typeof name === 'string' ? [{ name, by, path: `functions.${by}.destinations.${outcome}` }] : [],
    ),
  );
}

function authorizers({ provider }: ServerlessService): NamedFunction[] {
  return Object.entries(provider.httpApi?.authorizers ?? {}).flatMap(([authorizer, { functionName }]) =>
    functionName === undefined
      ? []
      : [{ name: functionName, path: `provider.httpApi.authorizers.${authorizer}.functionName` }],
  );
}

/** `http: { authorizer: checkToken }`, and the same of `websocket`. */
function eventAuthorizers({ functions }: ServerlessService): NamedFunction[] {
  return Object.entries(functions).flatMap(([by, { events = [] }]) =>
    events.flatMap((event, index) =>
      ['http', 'websocket'].flatMap((kind) => {
        const { authorizer } = ((event as Record<string, unknown>)[kind] ?? {}) as { authorizer?: unknown };
        const name =
          typeof authorizer === 'object' ? (authorizer as { name?: unknown } | null)?.name : authorizer;
        if (typeof name !== 'string') return [];
        return [{ name, by, path: `functions.${by}.events.${index}.${kind}.authorizer` }];
      }),
    ),
  );
}

/** In the finished template, whoever has written it. Throws CONFIG_INVALID. */
export function requireNoReferences(serverless: Serverless, edgeOnly: TakenOut): void {
  const { naming } = serverless.getProvider('aws');
  const { Resources, Outputs = {} } = serverless.service.provider.compiledCloudFormationTemplate;
  const problems = Object.entries(edgeOnly).flatMap(([name, definition]): Problem[] => {
    const lambda = naming.getLambdaLogicalId(name);
    const missing = [lambda, `${lambda}Url`, naming.getLogGroupLogicalId(name)].filter(
      (id) => !(id in Resources),
    );
    const arn = new RegExp(`:function:${escaped(definition.name ?? name)}(?![\\w-])`);
    const [found] = [...mentions(Resources), ...mentions(Outputs)].filter(
      ({ id, text }) => missing.includes(id ?? '') || (text !== undefined && arn.test(text)),
    );
    return found === undefined ? [] : [needsCloud(name, found.path.join('.'))];
  });
  if (problems.length > 0) throw invalid(problems);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

interface Mention {
  path: string[];
  /** Of a resource, as `Ref`, `Fn::GetAtt`, `Fn::Sub` and `DependsOn` name it. */
  id?: string;
  /** Any other text. */
  text?: string;
}

function mentions(value: unknown, path: string[] = []): Mention[] {
  if (typeof value === 'string') return mentionsOfText(value, path);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]): Mention[] => {
    const names = [inner].flat().filter((each) => typeof each === 'string');
    if (key === 'Ref') return names.map((id) => ({ id, path }));
    if (key === 'Fn::GetAtt') return names.slice(0, 1).map((id) => ({ id: id.split('.', 1)[0] ?? '', path }));
    if (key === 'DependsOn' && path.length === 1) return names.map((id) => ({ id, path: [...path, key] }));
    return mentions(inner, key.startsWith('Fn::') ? path : [...path, key]);
  });
}

/** What of a text `Fn::Sub` would put in; elsewhere such a text means nothing. */
function mentionsOfText(text: string, path: string[]): Mention[] {
  const substituted = [...text.matchAll(/\$\{([A-Za-z0-9]+)(?:\.[^}]*)?\}/g)];
  return [{ text, path }, ...substituted.map(([, id = '']) => ({ id, path }))];
}
