import type { Serverless, Utils } from '../framework';

/** Sources that ask an AWS account. */
const OF_AWS = /\$\{((?:aws|cf|s3|ssm)(?:\([^)]*\))?:[^}]*)\}/;

/**
 * `sls edge dev` needs no AWS account, but the framework resolves the whole configuration before any command
 * starts. When it fails at a variable that asks an account, its message is followed by what to do. Gives the
 * function that calls this off once the configuration is resolved.
 */
export function adviseOnAwsVariables({ configurationInput }: Serverless, { log }: Utils): () => void {
  const advise = (): void => {
    const [found] = variablesIn(configurationInput, '');
    if (found !== undefined) log.notice(adviceFor(found));
  };
  process.once('exit', advise);
  return () => void process.off('exit', advise);
}

interface AwsVariable {
  path: string;
  source: string;
}

function adviceFor({ path, source }: AwsVariable): string {
  return (
    `→ "sls edge dev" needs no AWS account, but \${${source}} at "${path}" is read from one. ` +
    `For dev, put a source of this machine before it, \${env:NAME, ${source}}, and set NAME, ` +
    'for example in .env with "useDotenv: true"; or log in to AWS.'
  );
}

function variablesIn(value: unknown, path: string): AwsVariable[] {
  if (typeof value === 'string') {
    const source = OF_AWS.exec(value)?.[1];
    return source === undefined ? [] : [{ path, source }];
  }
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    variablesIn(inner, path === '' ? key : `${path}.${key}`),
  );
}
