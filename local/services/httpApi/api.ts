import { randomBytes } from 'node:crypto';
import { AwsError } from '../../base/context';
import { parseFunctionRef } from '../lambda/names';
import { parseRouteKey, type RoutePattern } from './routes';

export interface IntegrationProps {
  integrationType: 'AWS_PROXY';
  /** ARN of the function, with or without qualifier. */
  integrationUri: string;
  payloadFormatVersion: '2.0';
  /** 50 to 30,000; 30,000 unless told. */
  timeoutInMillis?: number;
}

export interface RouteProps {
  /** `POST /groups/{group}/functions/{function}/validate`, `ANY /files/{path+}` or `$default`. */
  routeKey: string;
  authorizationType: 'AWS_IAM' | 'NONE';
  /** `integrations/<id>` */
  target: string;
}

export interface Integration {
  functionArn: string;
  timeoutMs: number;
}

export interface Route {
  pattern: RoutePattern;
  authorizationType: RouteProps['authorizationType'];
  integrationId: string;
}

const MIN_TIMEOUT_MS = 50;
const MAX_TIMEOUT_MS = 30_000;

/** One HTTP API: its routes, integrations and stages. Methods throw AwsError. */
export class Api {
  readonly integrations = new Map<string, Integration>();
  readonly routes = new Map<string, Route>();
  readonly stages = new Set<string>();

  constructor(
    readonly apiId: string,
    readonly name: string,
  ) {}

  putIntegration(id: string, props: IntegrationProps): void {
    const { timeoutInMillis: timeoutMs = MAX_TIMEOUT_MS } = props;
    if (timeoutMs < MIN_TIMEOUT_MS || timeoutMs > MAX_TIMEOUT_MS) {
      throw new AwsError(
        'BadRequestException',
        `Timeout should be between ${MIN_TIMEOUT_MS} ms and ${MAX_TIMEOUT_MS} ms`,
      );
    }
    this.integrations.set(id, { functionArn: functionArnOf(props.integrationUri), timeoutMs });
  }

  putRoute(id: string, { routeKey, authorizationType, target }: RouteProps): void {
    const integrationId = /^integrations\/(.+)$/.exec(target)?.[1] ?? '';
    if (!this.integrations.has(integrationId)) throw apiNotFound(`Integration ${target}`);
    const pattern = parseRouteKey(routeKey);
    for (const [other, route] of this.routes) {
      if (other !== id && route.pattern.routeKey === routeKey) {
        throw new AwsError(
          'ConflictException',
          `Route with key ${routeKey} already exists for this API`,
          409,
        );
      }
    }
    this.routes.set(id, { pattern, authorizationType, integrationId });
  }

  deleteIntegration(id: string): void {
    for (const { integrationId, pattern } of this.routes.values()) {
      if (integrationId === id) {
        throw new AwsError('ConflictException', `Route ${pattern.routeKey} uses the integration`, 409);
      }
    }
    if (!this.integrations.delete(id)) throw apiNotFound(`Integration ${id}`);
  }
}

/** Ten characters, as on AWS. */
export function newId(): string {
  return Array.from(randomBytes(10), (byte) => (byte % 36).toString(36)).join('');
}

export function apiNotFound(what: string): AwsError {
  return new AwsError('NotFoundException', `${what} not found`, 404);
}

/** The function's ARN, bare or in the form `arn:aws:apigateway:…:lambda:path/…/functions/<arn>/invocations`. */
function functionArnOf(uri: string): string {
  const arn =
    /^arn:[^:]+:apigateway:[^:]+:lambda:path\/[^/]+\/functions\/(.+)\/invocations$/.exec(uri)?.[1] ?? uri;
  parseFunctionRef(arn);
  return arn;
}
