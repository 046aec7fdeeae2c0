import { readConfiguration } from '../../../plugin/configuration/configuration';
import type { FunctionDefinition, Serverless, ServerlessService } from '../../../plugin/framework';
import { takeOutEdgeOnly } from '../../../plugin/packaging/edgeOnly';
import { requireNoCallers, requireNoReferences } from '../../../plugin/packaging/references';
import { requireFreeRoutes } from '../../../plugin/packaging/routes';
import { frameworkWith } from '../support/framework';
import { copyOf } from '../support/service';

const EDGE = { functions: { readMeter: {}, openVents: { locations: ['edge', 'cloud'] } } };

function service(
  functions: Record<string, Partial<FunctionDefinition>> = {},
  provider: Partial<ServerlessService['provider']> = {},
): Serverless {
  const framework = frameworkWith(EDGE, { provider });
  for (const [name, definition] of Object.entries(functions)) {
    Object.assign(framework.service.functions[name] ?? {}, definition);
  }
  for (const [name, each] of Object.entries(framework.service.functions)) each.name ??= `shop-dev-${name}`;
  return framework;
}

const REFUSED =
  /^edge\.functions\.readMeter\.locations: found "edge" alone, and (.+) refers to its Lambda function, expected \[edge, cloud\]$/;

describe('a function that runs on edges only, named by the service', () => {
  const refusal = (framework: Serverless): string | undefined => {
    try {
      requireNoCallers(framework.service, readConfiguration(framework));
    } catch (error) {
      return REFUSED.exec((error as Error).message)?.[1];
    }
    return undefined;
  };

  it.each<[string, Parameters<typeof service>, string]>([
    [
      'as a destination',
      [{ forecast: { destinations: { onFailure: 'readMeter' } } }],
      'functions.forecast.destinations.onFailure',
    ],
    [
      'as an authorizer of the HTTP API',
      [{}, { httpApi: { authorizers: { own: { functionName: 'readMeter' } } } }],
      'provider.httpApi.authorizers.own.functionName',
    ],
    [
      'as an authorizer of a REST route',
      [{ forecast: { events: [{ http: { path: '/', method: 'get', authorizer: 'readMeter' } }] } }],
      'functions.forecast.events.0.http.authorizer',
    ],
    [
      'as an authorizer with settings',
      [{ forecast: { events: [{ websocket: { route: 'x', authorizer: { name: 'readMeter' } } }] } }],
      'functions.forecast.events.0.websocket.authorizer',
    ],
  ])('%s is refused', (_where, parts, place) => {
    expect(refusal(service(...parts))).toBe(place);
  });

  it.each<[string, Parameters<typeof service>]>([
    ['a function in both places', [{ forecast: { destinations: { onSuccess: 'openVents' } } }]],
    ['an ARN', [{ forecast: { destinations: { onSuccess: 'arn:aws:sqs:eu-west-1:1:readMeter' } } }]],
    ['itself alone', [{ readMeter: { destinations: { onSuccess: 'readMeter' } } }]],
  ])('%s is not', (_what, parts) => {
    expect(refusal(service(...parts))).toBeUndefined();
  });
});

describe('the Lambda function that a function on edges does not have', () => {
  const refusal = (properties: unknown, more: object = {}): string | undefined => {
    const framework = service();
    const taken = takeOutEdgeOnly(framework, readConfiguration(framework));
    framework.service.provider.compiledCloudFormationTemplate.Resources = {
      Caller: { Type: 'AWS::X::Y', Properties: properties as Record<string, unknown>, ...more },
      OpenVentsLambdaFunction: { Type: 'AWS::Lambda::Function' },
    };
    try {
      requireNoReferences(framework, taken);
    } catch (error) {
      return REFUSED.exec((error as Error).message)?.[1] ?? (error as Error).message;
    }
    return undefined;
  };

  it.each([
    [
      'Ref',
      { Environment: { Variables: { WORKER: { Ref: 'ReadMeterLambdaFunction' } } } },
      'Caller.Properties.Environment.Variables.WORKER',
    ],
    ['Fn::GetAtt', { Role: { 'Fn::GetAtt': ['ReadMeterLambdaFunction', 'Arn'] } }, 'Caller.Properties.Role'],
    [
      'Fn::GetAtt as text',
      { Role: { 'Fn::GetAtt': 'ReadMeterLambdaFunction.Arn' } },
      'Caller.Properties.Role',
    ],
    [
      'Fn::Sub',
      { DefinitionString: { 'Fn::Sub': '{"Resource":"${ReadMeterLambdaFunction.Arn}"}' } },
      'Caller.Properties.DefinitionString',
    ],
    [
      'an ARN in a list',
      { Policy: [{ Resource: 'arn:aws:lambda:eu-west-1:111111111111:function:shop-dev-readMeter:live' }] },
      'Caller.Properties.Policy.0.Resource',
    ],
    ['its log group', { Name: { Ref: 'ReadMeterLogGroup' } }, 'Caller.Properties.Name'],
  ])('named by %s is refused', (_how, properties, place) => {
    expect(refusal(properties)).toBe(place);
  });

  it('named by DependsOn is refused', () => {
    expect(refusal({}, { DependsOn: ['ReadMeterLambdaFunction'] })).toBe('Caller.DependsOn');
  });

  it.each([
    ['a function in both places', { Ref: 'OpenVentsLambdaFunction' }],
    ['a function with a longer name', 'arn:aws:lambda:eu-west-1:111111111111:function:shop-dev-readMeters'],
    ['text that looks like it', 'ReadMeterLambdaFunction'],
  ])('%s is not', (_what, value) => {
    expect(refusal({ Value: value })).toBeUndefined();
  });

  it('is looked for in the finished template', async () => {
    const copy = await copyOf('greenhouse', (yaml) =>
      yaml.concat('\nresources: { Outputs: { Meter: { Value: !GetAtt ReadMeterLambdaFunction.Arn } } }\n'),
    );
    await expect(copy.package()).rejects.toThrow(
      'edge.functions.readMeter.locations: found "edge" alone, and Meter.Value refers to its Lambda function',
    );
  }, 60_000);
});

describe('a route of the service', () => {
  const taken = 'GET /edge/shop-dev/groups/{group}/definition';
  const check = (framework: Serverless): void =>
    requireFreeRoutes(framework.service, readConfiguration(framework));

  it.each([taken, taken.replace('{group}', '{id}')])('%s is that of a system function', (key) => {
    const [method, path] = key.split(' ');
    for (const httpApi of [key, { method: method?.toLowerCase(), path }]) {
      expect(() => check(service({ forecast: { events: [{ httpApi }] } }))).toThrow(
        /^functions\.forecast\.events\.0\.httpApi: found ".+", the route of system function getGroupDefinition, expected another path$/,
      );
    }
  });

  it('is also one under "resources"', () => {
    const framework = service();
    framework.service.resources = {
      Resources: { Mine: { Type: 'AWS::ApiGatewayV2::Route', Properties: { RouteKey: taken } } },
    };
    expect(() => check(framework)).toThrow('resources.Resources.Mine: found');
  });

  it.each(['GET /groups/{group}/definition', '*', 'GET /edge/shop-prod/groups/{group}/definition'])(
    '%s is free',
    (httpApi) => {
      check(service({ forecast: { events: [{ httpApi }] } }));
    },
  );
});
