import { startLocalService, type EnvironmentOptions, type ServiceUnderTest } from '../../local';

export type TestEnvironment = ServiceUnderTest;

export const GROUP = 'workshop';

/** The project template, packaged by the global set-up unless told otherwise, on a local cloud of its own. */
export async function startTestEnvironment(
  options: Partial<EnvironmentOptions> = {},
): Promise<TestEnvironment> {
  return startLocalService({
    serviceDir: required('EDGE_TEST_SERVICE'),
    packageDir: required('EDGE_TEST_PACKAGE'),
    stage: 'dev',
    ...options,
  });
}

function required(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set: run through jest's global set-up`);
  return value;
}
