import { execFile } from 'node:child_process';
import path from 'node:path';
import { packageTemplate, root } from './packaged';

/** The project template is packaged once for all e2e tests, by the framework's own command line. */
export default async function globalSetup(): Promise<void> {
  const [{ serviceDir, directory }, problem] = await Promise.all([packageTemplate(), registryProblem()]);
  process.env['EDGE_TEST_SERVICE'] = serviceDir;
  process.env['EDGE_TEST_PACKAGE'] = directory;
  if (problem !== undefined) process.env['EDGE_TEST_NO_REGISTRY'] = problem;
}

/** Asked once for all tests that install from the registry. */
function registryProblem(): Promise<string | undefined> {
  const script = path.join(root, 'scripts', 'registry.mjs');
  return new Promise((resolve) => {
    execFile(process.execPath, [script], (error, stdout, stderr) =>
      resolve(error === null ? undefined : stdout.trim() || stderr.trim() || error.message),
    );
  });
}
