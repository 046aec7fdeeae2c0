import { packageTemplate } from './packaged';

/** The project template is packaged once for all e2e tests, by the framework's own command line. */
export default async function globalSetup(): Promise<void> {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const { serviceDir, directory } = await packageTemplate();
  process.env['EDGE_TEST_SERVICE'] = serviceDir;
  process.env['EDGE_TEST_PACKAGE'] = directory;
}
