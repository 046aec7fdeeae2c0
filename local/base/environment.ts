/** The variables of this process, without the AWS set-up of whoever started it: for programs with one of their own. */
export function environmentWithoutAws(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('AWS_') && name !== 'NODE_EXTRA_CA_CERTS',
  );
  return Object.fromEntries(kept);
}
