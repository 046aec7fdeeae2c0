export interface ApiProps {
  name: string;
  /** Makes the id stable over restarts; otherwise a random one. */
  apiId?: string;
}

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

export interface StageProps {
  /** `$default` has no part in the path. */
  stageName: string;
}

/**
 * API Gateway's HTTP APIs on one machine. Each API listens on its own free port. All methods throw
 * AwsError (NotFoundException, BadRequestException, ConflictException).
 */
export interface HttpApi {
  createApi(props: ApiProps): Promise<{ apiId: string; apiEndpoint: string }>;
  deleteApi(apiId: string): Promise<void>;
  createIntegration(apiId: string, props: IntegrationProps): { integrationId: string };
  updateIntegration(apiId: string, integrationId: string, props: IntegrationProps): void;
  deleteIntegration(apiId: string, integrationId: string): void;
  createRoute(apiId: string, props: RouteProps): { routeId: string };
  updateRoute(apiId: string, routeId: string, props: RouteProps): void;
  deleteRoute(apiId: string, routeId: string): void;
  createStage(apiId: string, props: StageProps): void;
  deleteStage(apiId: string, stageName: string): void;
  /** Where the API listens, without a slash at the end. */
  endpoint(apiId: string): string;
  close(): Promise<void>;
}
