import { AwsError } from '../../base/context';

/** A function as a caller names it. */
export interface FunctionRef {
  name: string;
  /** Version number, alias or `$LATEST`. */
  qualifier?: string;
}

const REF =
  /^(?:(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:)?\d{12}:function:)?([a-zA-Z0-9-_]{1,64})(?::(\$LATEST|[a-zA-Z0-9-_]{1,128}))?$/;

/**
 * Name, partial ARN or ARN, each with or without a qualifier. `qualifier` is the one given beside it.
 * Throws AwsError InvalidParameterValueException.
 */
export function parseFunctionRef(text: string, qualifier?: string): FunctionRef {
  const match = REF.exec(text);
  const name = match?.[1];
  if (name === undefined) {
    throw new AwsError('InvalidParameterValueException', `not a function name or ARN: ${text}`);
  }
  const named = match?.[2];
  if (named !== undefined && qualifier !== undefined && named !== qualifier) {
    throw new AwsError(
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    );
  }
  const effective = qualifier ?? named;
  return effective === undefined ? { name } : { name, qualifier: effective };
}

export function buildFunctionArn(
  { region, account }: { region: string; account: string },
  { name, qualifier }: FunctionRef,
): string {
  const suffix = qualifier === undefined ? '' : `:${qualifier}`;
  return `arn:aws:lambda:${region}:${account}:function:${name}${suffix}`;
}
