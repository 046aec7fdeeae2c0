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
  package: {
    artifact?: string;
    individually?: boolean;
    path?: string;
    patterns?: string[];
    /** Where in the deployment bucket this deployment's artifacts are. */
    artifactDirectoryName?: string;
    /** A bucket of the user's for artifacts. */
    deploymentBucket?: unknown;
  };
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
    tags?: Record<string, unknown>;
    logDataProtectionPolicy?: unknown;
    tracing?: { lambda?: unknown };
    httpApi?: {
      id?: unknown;
      disableDefaultEndpoint?: boolean;
      metrics?: boolean;
      authorizers?: Record<string, { functionName?: string }>;
    };
    /** `role`: what the framework's role is made from, or the role itself. */
    iam?: { role?: unknown };
    /** Of older configurations. */
    rolePermissionsBoundary?: unknown;
    compiledCloudFormationTemplate: CompiledTemplate;
  };
  /** Keys of the user's configuration that the framework does not know. */
  initialServerlessConfig?: Record<string, unknown>;
  custom?: Record<string, unknown>;
  resources?: { Resources?: Record<string, CloudFormationResource> };
  /** Layers that the service makes. */
  layers?: Record<string, { path?: string; package?: { artifact?: string } }>;
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
    getHttpApiName: () => string;
    getLogGroupLogicalId: (functionName: string) => string;
    getDeploymentBucketLogicalId: () => string;
    getLambdaLayerLogicalId: (layerName: string) => string;
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
  /** Shown after `info` and `deploy`. */
  addServiceOutputSection: (name: string, content: string[]) => void;
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

const SUPPORTED = 'osls 3 or 4 (npm install --save-dev serverless@npm:osls@4), or serverless 3.40';

/**
 * Throws the framework's own error for a major that works otherwise. serverless 4 and osls 4 have the same
 * version numbers; osls has clients of SDK v3 for plugins.
 */
export function requireSupported(serverless: Serverless): void {
  const version = serverless.getVersion();
  const major = Number(version.split('.', 1)[0]);
  if (major === 3) return;
  const provider = serverless.getProvider('aws') as Partial<AwsProvider> | false | undefined;
  if (major === 4 && (!provider || provider.getAwsSdkV3Config !== undefined)) return;
  const text = `serverless-edge-on-demand does not work with version ${version} of this framework`;
  throw new serverless.classes.Error(`${text}\n→ ${SUPPORTED}`, 'EDGE_UNSUPPORTED');
}
