import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../lib/clock';
import { withinTime } from '../../../lib/timeLimit';
import { AwsError, type CloudContext, type Principal } from '../../base/context';
import type { HttpRequest, HttpResponse } from '../../base/http';
import type { Lambda } from '../lambda/types';
import type { Api, Integration, Route } from './api';
import { gatewayResponse, toEvent, toHttpResponse } from './payload';
import { decodePath, DEFAULT_ROUTE, matchRoute, type PathMatch } from './routes';

const MAX_REQUEST_BYTES = 10 * 1024 * 1024;
const DEFAULT_STAGE = '$default';

export interface GatewayOptions {
  context: CloudContext;
  lambda: Pick<Lambda, 'invokeAsService'>;
  clock: Clock;
}

/** One request through the API: route, authorise, invoke, answer. Renders every error itself. */
export async function handleRequest(
  options: GatewayOptions,
  api: Api,
  request: HttpRequest,
): Promise<HttpResponse> {
  const requestId = randomUUID();
  const response = await answer(options, api, request, requestId).catch((error: unknown) => {
    const known = error instanceof AwsError ? KNOWN[error.code] : undefined;
    if (known !== undefined) return gatewayResponse(...known);
    options.context.log.error({ err: error, api: api.apiId, requestId }, 'integration failed');
    return gatewayResponse(500, 'Internal Server Error');
  });
  return { ...response, headers: { ...response.headers, 'apigw-requestid': requestId } };
}

/** What API Gateway makes of an error of the integration. */
const KNOWN: Record<string, [status: number, message: string]> = {
  BadRequestException: [400, 'Bad Request'],
  RequestTooLargeException: [413, 'Request Entity Too Large'],
  TooManyRequestsException: [503, 'Service Unavailable'],
};

async function answer(
  options: GatewayOptions,
  api: Api,
  request: HttpRequest,
  requestId: string,
): Promise<HttpResponse> {
  const { context, clock } = options;
  if (request.body.length > MAX_REQUEST_BYTES) return gatewayResponse(413, 'Request Entity Too Large');
  const located = locate(api, request);
  if (located === undefined) return gatewayResponse(404, 'Not Found');
  const { stage, path, match } = located;
  const { route } = match;
  let principal: Principal | undefined;
  if (route.authorizationType === 'AWS_IAM') {
    principal = await authorizedPrincipal(context, api, stage, path, request);
    if (principal === undefined) return gatewayResponse(403, 'Forbidden');
  }
  const integration = api.integrations.get(route.integrationId);
  if (integration === undefined) return gatewayResponse(500, 'Internal Server Error');
  const event = toEvent({
    request,
    requestId,
    apiId: api.apiId,
    account: context.account,
    stage,
    routeKey: route.pattern.routeKey,
    path: request.url.split('?')[0] ?? '/',
    pathParameters: match.pathParameters,
    principal,
    now: clock.now(),
  });
  const sourceArn = executeArn(context, api.apiId, stage, sourcePath(request.method, route));
  return integrate(options, integration, sourceArn, event);
}

interface Located {
  stage: string;
  /** Undecoded, without stage and query. */
  path: string;
  match: PathMatch<Route>;
}

/** A named stage is the first segment of the path; `$default` has none. */
function locate(api: Api, request: HttpRequest): Located | undefined {
  const whole = request.url.split('?')[0] ?? '/';
  const [, first = ''] = whole.split('/');
  const named = first !== DEFAULT_STAGE && api.stages.has(first);
  const stage = named ? first : DEFAULT_STAGE;
  if (!api.stages.has(stage)) return undefined;
  const path = named ? whole.slice(first.length + 1) || '/' : whole;
  const match = matchRoute(api.routes.values(), request.method, path);
  return match === undefined ? undefined : { stage, path, match };
}

async function authorizedPrincipal(
  context: CloudContext,
  api: Api,
  stage: string,
  path: string,
  request: HttpRequest,
): Promise<Principal | undefined> {
  // Decoded, as the function sees it: an escaped letter must not slip past a Deny.
  const resource = executeArn(context, api.apiId, stage, `${request.method}${decodePath(path)}`);
  try {
    const principal = await context.iam.authenticate(request, 'execute-api');
    context.iam.authorize(principal, 'execute-api:Invoke', resource);
    return principal;
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    context.log.info({ resource, code: error.code, reason: error.message }, 'http api: request refused');
    return undefined;
  }
}

/** The route as a Lambda permission names it: variables stay as they are written. */
function sourcePath(method: string, { pattern }: Route): string {
  return pattern.method === undefined ? DEFAULT_ROUTE : `${method}${pattern.path}`;
}

function executeArn({ region, account }: CloudContext, apiId: string, stage: string, rest: string): string {
  return `arn:aws:execute-api:${region}:${account}:${apiId}/${stage}/${rest}`;
}

async function integrate(
  options: GatewayOptions,
  { functionArn, timeoutMs }: Integration,
  sourceArn: string,
  event: Record<string, unknown>,
): Promise<HttpResponse> {
  const { context, lambda, clock } = options;
  const caller = { service: 'apigateway.amazonaws.com', sourceArn };
  const invocation = lambda.invokeAsService(functionArn, caller, event, 'sync');
  invocation.catch((error: unknown) => context.log.debug({ err: error }, 'http api: invocation failed'));
  // A function that takes longer runs on, as on AWS.
  const result = await withinTime(clock, timeoutMs, invocation, () => undefined);
  if (result === undefined) return gatewayResponse(503, 'Service Unavailable');
  if (result.functionError !== undefined) {
    context.log.warn(
      { functionArn, payload: result.payload.slice(0, 2_000) },
      'http api: the function failed',
    );
    return gatewayResponse(500, 'Internal Server Error');
  }
  const response = toHttpResponse(JSON.parse(result.payload));
  if (response !== undefined) return response;
  context.log.warn({ functionArn }, 'http api: the result of the function is no response of format 2.0');
  return gatewayResponse(500, 'Internal Server Error');
}
