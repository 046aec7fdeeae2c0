/**
 * The little of the Serverless Framework that the plugin touches, the same on osls 4, osls 3 and
 * serverless 3.40. Written by hand because @types/serverless is incomplete.
 */
export interface FunctionDefinition {
  name?: string;
  handler?: string;
  runtime?: string;
  memorySize?: number;
  timeout?: number;
  description?: string;
  environment?: Record<string, unknown>;
  architecture?: string;
  role?: unknown;
  events?: unknown[];
  skipEsbuild?: boolean;
  package?: { artifact?: string; individually?: boolean; patterns?: string[] };
  [key: string]: unknown;
}

export interface CloudFormationResource {
  Type: string;
  Properties?: Record<string, unknown>;
  DependsOn?: string | string[];
  [key: string]: unknown;
}

export interface CloudFormationTemplate {
  Resources: Record<string, CloudFormationResource>;
  Outputs?: Record<string, { Description?: string; Value: unknown; Export?: unknown }>;
}

export interface Service {
  service: string;
  functions: Record<string, FunctionDefinition>;
  package: { artifact?: string; individually?: boolean; path?: string };
  provider: {
    name: string;
    runtime?: string;
    memorySize?: number;
    timeout?: number;
    environment?: Record<string, unknown>;
    compiledCloudFormationTemplate: CloudFormationTemplate;
  };
  /** Keys of the user's configuration that the framework does not know. */
  initialServerlessConfig?: Record<string, unknown>;
  custom?: Record<string, unknown>;
}

export interface AwsProvider {
  getStage(): string;
  getRegion(): string;
  naming: {
    getLambdaLogicalId(functionName: string): string;
    getHttpApiLogicalId(): string;
  };
}

export interface Serverless {
  service: Service;
  serviceDir: string;
  configurationInput: Record<string, unknown>;
  configSchemaHandler: {
    defineTopLevelProperty(name: string, schema: Record<string, unknown>): void;
  };
  pluginManager: { spawn(command: string): Promise<void> };
  getProvider(name: 'aws'): AwsProvider;
  getVersion(): string;
  classes: { Error: new (message: string, code?: string) => Error };
}

export interface CommandOptions {
  stage?: string;
  package?: string;
  [option: string]: unknown;
}

export interface Utils {
  log: {
    notice(...message: unknown[]): void;
    warning(...message: unknown[]): void;
    info(...message: unknown[]): void;
  };
  writeText(text?: string | string[]): void;
}
