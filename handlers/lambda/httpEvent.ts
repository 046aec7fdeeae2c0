import type { APIGatewayProxyStructuredResultV2, APIGatewayProxyEventV2WithIAMAuthorizer } from 'aws-lambda';
import type { RouteName } from '../../protocol';
import type { Caller } from '../definitions/access';

/** What the middlewares add to the event of an HTTP API. */
export type EdgeHttpEvent = APIGatewayProxyEventV2WithIAMAuthorizer & {
  caller?: Caller;
  parsed?: { route: RouteName; path: Record<string, string>; document: unknown };
};

export type HttpResult = APIGatewayProxyStructuredResultV2;
