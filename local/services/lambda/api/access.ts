import type { CloudContext, Principal } from '../../../base/context';
import type { FunctionRecord } from '../functionRecord';
import type { Functions } from '../functions';
import { buildFunctionArn, parseFunctionRef, type FunctionRef } from '../names';
import { policyOf } from '../permissions';
import type { CodeProps } from '../props';
import type { ApiRequest } from './router';

/** Who may do what with the Lambda API. All throw AwsError AccessDeniedException (403). */
export class Access {
  readonly #context: CloudContext;
  readonly #functions: Functions;

  constructor(context: CloudContext, functions: Functions) {
    this.#context = context;
    this.#functions = functions;
  }

  /** The function of the path, once `lambda:<action>` on it is allowed. Throws ResourceNotFoundException too. */
  function(request: ApiRequest, action: string): { record: FunctionRecord; ref: FunctionRef } {
    const ref = this.ref(request);
    this.authorize(request.principal, action, { name: ref.name });
    return { record: this.#functions.get(ref.name), ref };
  }

  ref({ params, query }: ApiRequest): FunctionRef {
    return parseFunctionRef(params['name'] ?? '', query.get('Qualifier') ?? undefined);
  }

  authorize(principal: Principal, action: string, ref: FunctionRef | '*'): void {
    const resource = ref === '*' ? '*' : buildFunctionArn(this.#context, ref);
    this.#context.iam.authorize(principal, `lambda:${action}`, resource);
  }

  /** The ARN counts as it is named, with or without qualifier; the resource policy of that one has a say. */
  invoke(principal: Principal, ref: FunctionRef): void {
    const record = this.#functions.find(ref.name);
    const policy = record === undefined ? undefined : policyOf(record, ref.qualifier);
    const resource = buildFunctionArn(this.#context, ref);
    this.#context.iam.authorize(principal, 'lambda:InvokeFunction', resource, policy);
  }

  passRole(principal: Principal, roleArn: string): void {
    this.#context.iam.authorize(principal, 'iam:PassRole', roleArn, undefined, {
      'iam:PassedToService': 'lambda.amazonaws.com',
    });
  }

  /** Lambda reads the package with the permissions of who asks. */
  readCode(principal: Principal, { S3Bucket, S3Key }: CodeProps): void {
    if (S3Bucket === undefined || S3Key === undefined) return;
    this.#context.iam.authorize(principal, 's3:GetObject', `arn:aws:s3:::${S3Bucket}/${S3Key}`);
  }
}
