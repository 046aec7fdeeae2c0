import type { z } from 'zod';
import { AwsError, type CloudContext } from '../../../base/context';
import { routesOf, type RestCall } from '../../../base/rest/service';
import type { FunctionRecord } from '../functionRecord';
import type { Functions } from '../functions';
import { buildFunctionArn, parseFunctionRef, type FunctionRef } from '../names';
import { resourcePolicyOf } from '../permissions';
import { parseProps, type CodeProps } from '../props';

export const lambdaRoute = routesOf('lambda');

/** For operations that ask IAM themselves, once they know about what. */
export const ASKS_ITSELF = (): string[] => [];

/** What the calls of the Lambda API are about, and who may do it. All throw AwsError, AccessDeniedException (403) among them. */
export class Access {
  readonly #context: CloudContext;
  readonly #functions: Functions;

  constructor(context: CloudContext, functions: Functions) {
    this.#context = context;
    this.#functions = functions;
  }

  /** ARN of the function of the path, without qualifier. */
  readonly functionArn = (call: RestCall): string =>
    buildFunctionArn(this.#context, { name: refOf(call).name });

  /** Throws ResourceNotFoundException. */
  function(call: RestCall): { record: FunctionRecord; ref: FunctionRef } {
    const ref = refOf(call);
    return { record: this.#functions.get(ref.name), ref };
  }

  create({ principal }: RestCall, name: string): void {
    const resource = buildFunctionArn(this.#context, { name });
    this.#context.iam.authorize(principal, 'lambda:CreateFunction', resource);
  }

  /** The ARN counts as it is named, with or without qualifier; the resource policy of that one has a say. */
  invoke({ principal }: RestCall, ref: FunctionRef): void {
    const record = this.#functions.find(ref.name);
    const policy = record === undefined ? undefined : resourcePolicyOf(record, ref.qualifier);
    const resource = buildFunctionArn(this.#context, ref);
    this.#context.iam.authorize(principal, 'lambda:InvokeFunction', resource, policy);
  }

  passRole({ principal }: RestCall, roleArn: string): void {
    this.#context.iam.authorize(principal, 'iam:PassRole', roleArn, undefined, {
      'iam:PassedToService': 'lambda.amazonaws.com',
    });
  }

  /** Lambda reads the package with the permissions of who asks. */
  readCode({ principal }: RestCall, { S3Bucket, S3Key }: CodeProps): void {
    if (S3Bucket === undefined || S3Key === undefined) return;
    this.#context.iam.authorize(principal, 's3:GetObject', `arn:aws:s3:::${S3Bucket}/${S3Key}`);
  }
}

export function refOf({ param, query }: RestCall): FunctionRef {
  return parseFunctionRef(param('name'), query.get('Qualifier') ?? undefined);
}

/** Throws AwsError InvalidRequestContentException, InvalidParameterValueException. */
export function readProps<S extends z.ZodType>({ body }: RestCall, schema: S): z.output<S> {
  return parseProps(schema, parseBody(body));
}

/** Throws AwsError InvalidRequestContentException. An empty body is an empty object. */
export function parseBody(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new AwsError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
