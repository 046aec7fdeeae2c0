import path from 'node:path';
import { announce } from '../../scripts/announce.mjs';

/** Says at the end of the run which tests were skipped because the npm registry cannot be reached. */
export default class NotTestedReporter {
  onRunComplete(_contexts, { testResults }) {
    const problem = process.env['EDGE_TEST_NO_REGISTRY'];
    if (problem === undefined) return;
    const skipped = testResults
      .filter(({ testFilePath }) => path.basename(path.dirname(testFilePath)) === 'packaging')
      .flatMap((file) => file.testResults.filter(({ status }) => status === 'pending'));
    if (skipped.length === 0) return;
    announce([
      `SKIPPED: ${skipped.length} packaging tests were NOT run: ${problem}`,
      ...skipped.map(({ fullName }) => `  ${fullName}`),
    ]);
  }
}
