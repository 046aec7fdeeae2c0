const MISSING = ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'];

/**
 * What to do when a package does not have a module that its code asks for, which Node's own message does not
 * say; undefined for anything else, a missing file of the package's own too.
 */
export function bundlingAdvice(thrown: unknown): string | undefined {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || !MISSING.includes(code)) return undefined;
  const wanted = /^Cannot find (?:module|package) '([^']+)'/.exec(String(message))?.[1];
  if (wanted === undefined || /^([./\\]|[A-Za-z]:[\\/]|file:)/.test(wanted)) return undefined;
  const name = /^(@[^/]+\/)?[^/]+/.exec(wanted)?.[0] ?? wanted;
  const advice =
    `"${name}" is not in the package of the function: bundle the function (serverless-esbuild does), ` +
    `or add "node_modules/${name}/**", and what that needs, to package.patterns`;
  return name.startsWith('@aws-sdk/')
    ? `${advice}. Only AWS Lambda itself brings the AWS SDK; functions in the cloud of "sls edge dev" use ` +
        `the one that the service has installed (npm install --save-dev ${name})`
    : advice;
}
