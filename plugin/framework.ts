import type { CloudFormationResource } from '../lib/cloudFormation';

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
  image?: unknown;
  logRetentionInDays?: number;
  package?: { artifact?: string; individually?: boolean; patterns?: string[]; disable?: boolean };
  [key: string]: unknown;
}

export interface CompiledTemplate {
  Resources: Record<string, CloudFormationResource>;
  Outputs?: Record<string, { Description?: string; Value: unknown; Export?: unknown }>;
}

export interface ServerlessService {
  service: string;
  functions: Record<string, FunctionDefinition>;
  package: { artifact?: string; individually?: boolean; path?: string; patterns?: string[] };
  provider: {
    name: string;
    runtime?: string;
    memorySize?: number;
    timeout?: number;
    environment?: Record<string, unknown>;
    logRetentionInDays?: number;
    vpc?: unknown;
    layers?: unknown[];
    kmsKeyArn?: unknown;
    tracing?: { lambda?: unknown };
    httpApi?: { id?: unknown; disableDefaultEndpoint?: boolean };
    /** `role`: what the framework's role is made from, or the role itself. */
    iam?: { role?: unknown };
    /** Of older configurations. */
    rolePermissionsBoundary?: unknown;
    compiledCloudFormationTemplate: CompiledTemplate;
    /** During `deploy function`: the function as it is on Lambda. */
    remoteFunctionData?: { Configuration?: { Role?: string } };
  };
  layers?: Record<string, unknown>;
  /** Keys of the user's configuration that the framework does not know. */
  initialServerlessConfig?: Record<string, unknown>;
  custom?: Record<string, unknown>;
}

export interface AwsProvider {
  getStage: () => string;
  getRegion: () => string;
  /** Configuration of SDK v3 clients. Missing before osls 4. */
  getAwsSdkV3Config?: () => Promise<Record<string, unknown>>;
  /** As SDK v2 takes it; a stub that throws from osls 4 on. */
  getCredentials?: () => { credentials?: SdkV2Credentials };
  naming: {
    getStackName: () => string;
    getLambdaLogicalId: (functionName: string) => string;
    getHttpApiLogicalId: () => string;
  };
}

export interface SdkV2Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expireTime?: Date | null;
  /** Resolves once the fields above hold valid credentials. */
  getPromise?: () => Promise<void>;
}

export interface Serverless {
  service: ServerlessService;
  serviceDir: string;
  configurationInput: Record<string, unknown>;
  /** `sls edge status` → `['edge', 'status']` */
  processedInput: { commands: string[]; options: Record<string, unknown> };
  configSchemaHandler: {
    defineTopLevelProperty: (name: string, schema: Record<string, unknown>) => void;
  };
  pluginManager: {
    /** With `terminateLifecycleAfterExecution` the command that is running ends after this one. */
    spawn: (command: string, options?: { terminateLifecycleAfterExecution?: boolean }) => Promise<void>;
    /** By event, in the order in which they run. */
    hooks: Record<string, { hook: () => unknown }[]>;
    plugins: readonly object[];
  };
  /** False for a service on another provider. */
  getProvider(name: 'aws'): AwsProvider;
  getVersion: () => string;
  classes: { Error: new (message: string, code?: string) => Error };
}

export interface CommandOptions {
  stage?: string;
  package?: string;
  /** `--function`, of commands that are about one. */
  function?: string;
  [option: string]: unknown;
}

export interface Utils {
  log: {
    notice: (...message: unknown[]) => void;
    warning: (...message: unknown[]) => void;
    info: (...message: unknown[]) => void;
  };
  /** Lines that the framework shows while something is under way. */
  progress: {
    get: (name: string) => { notice(text: string): void; remove(): void };
  };
  writeText: (text?: string | string[]) => void;
}
