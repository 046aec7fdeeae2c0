import type { Service } from '../../base/context';
import type { EventInvokeConfig, FunctionProps } from './props';

/** A function, one of its versions: what the API answers. Field names are those of the Lambda API. */
export interface FunctionConfiguration {
  FunctionName: string;
  FunctionArn: string;
  Runtime: string;
  Role: string;
  Handler: string;
  /** Bytes of the package. */
  CodeSize: number;
  Description: string;
  /** Seconds. */
  Timeout: number;
  /** MiB. */
  MemorySize: number;
  LastModified: string;
  /** Base64 of the package's SHA-256. */
  CodeSha256: string;
  Version: string;
  Environment?: { Variables: Record<string, string> };
  LoggingConfig: { LogFormat: 'Text'; LogGroup: string };
  RevisionId: string;
  State: 'Pending' | 'Active';
  StateReason?: string;
  StateReasonCode?: string;
  LastUpdateStatus?: 'Successful' | 'InProgress';
  LastUpdateStatusReason?: string;
  LastUpdateStatusReasonCode?: string;
  PackageType: 'Zip' | 'Image';
  Architectures: string[];
}

export interface AliasProps {
  Name: string;
  FunctionVersion: string;
  Description?: string | undefined;
}

export interface AliasConfiguration {
  AliasArn: string;
  Name: string;
  FunctionVersion: string;
  Description: string;
  RevisionId: string;
}

/** What AddPermission and `AWS::Lambda::Permission` state. */
export interface PermissionProps {
  /** Made up when left out. */
  StatementId?: string;
  /** `lambda:InvokeFunction` */
  Action: string;
  /** Service (`s3.amazonaws.com`), account id or ARN. */
  Principal: string;
  /** `*` and `?` are wildcards. */
  SourceArn?: string | undefined;
  SourceAccount?: string | undefined;
  /** Version or alias; left out: the unqualified function. */
  Qualifier?: string;
}

/** The AWS service that invokes, and the resource on whose behalf. */
export interface InvokingService {
  /** `s3.amazonaws.com` */
  service: string;
  sourceArn: string;
}

export interface InvokeResult {
  /** JSON text of the result, or of `{ errorType, errorMessage, trace }`. */
  payload: string;
  /** The function failed: it threw, was ended, or did not load. */
  functionError?: 'Unhandled';
  executedVersion: string;
  requestId: string;
}

export interface Invocation {
  functionName: string;
  version: string;
  kind: 'sync' | 'async';
  /** Milliseconds, start-up of a cold instance included. */
  ms: number;
  ok: boolean;
  /** What the function threw, as Lambda reports it. */
  failure?: { errorType: string; errorMessage: string; trace?: string[] };
}

/** Where on-failure records of asynchronous invocations go. Each throws when the target is not there. */
export interface Destinations {
  putObject: (bucket: string, key: string, body: Buffer) => Promise<void>;
  /** Absent: queues are refused as destinations. */
  sendMessage?: (queueArn: string, body: string) => Promise<void>;
}

/**
 * Lambda on one machine. The wire API at `url` is that of the unmodified `@aws-sdk/client-lambda`; the
 * methods are for services of the local cloud (CloudFormation, rules, the HTTP API) and skip IAM.
 * `name` is a function name, or an ARN with or without qualifier. All throw AwsError
 * (ResourceNotFoundException, ResourceConflictException, InvalidParameterValueException, …).
 */
export interface Lambda extends Service {
  functionArn(name: string): string;
  /**
   * Resolves when the function is Active. With a stack's name, a function that this stack made before the
   * service was restarted is brought to `props` in place: versions and aliases stay; its permissions and
   * event-invoke configurations go, because the stack attaches again what it still wants.
   */
  createFunction(props: FunctionProps, stackName?: string): Promise<FunctionConfiguration>;
  /** Code, configuration or both; what is left out stays. Resolves when the update is complete. */
  updateFunction(
    name: string,
    props: Partial<Omit<FunctionProps, 'FunctionName'>>,
  ): Promise<FunctionConfiguration>;
  deleteFunction(name: string): Promise<void>;
  getFunction(name: string, qualifier?: string): FunctionConfiguration;
  /** The latest version again, when neither code nor configuration changed since. */
  publishVersion(
    name: string,
    props?: { Description?: string | undefined; CodeSha256?: string | undefined },
  ): Promise<FunctionConfiguration>;
  deleteVersion(name: string, version: string): Promise<void>;
  createAlias(name: string, props: AliasProps): AliasConfiguration;
  updateAlias(name: string, props: Partial<AliasProps> & { Name: string }): AliasConfiguration;
  deleteAlias(name: string, alias: string): void;
  /** Gives the statement id. */
  addPermission(name: string, permission: PermissionProps): string;
  removePermission(name: string, statementId: string, qualifier?: string): void;
  setEventInvokeConfig(name: string, config: EventInvokeConfig): void;
  deleteEventInvokeConfig(name: string, qualifier?: string): void;
  /**
   * Invokes as an AWS service does: the function's resource policy decides. `async` resolves when the
   * event is queued, with an empty payload. Throws AwsError AccessDeniedException (403),
   * RequestTooLargeException, TooManyRequestsException, ResourceConflictException.
   */
  invokeAsService(
    functionArn: string,
    caller: InvokingService,
    payload: unknown,
    kind: 'sync' | 'async',
  ): Promise<InvokeResult>;
  /** Starts one instance ahead of the first call. Rejects (EdgeError) when the function does not load. */
  warm(name: string, qualifier?: string): Promise<void>;
}
