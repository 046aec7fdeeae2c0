import { rm } from 'node:fs/promises';
import path from 'node:path';
import { writeStackFile, type Edge } from '../../local';
import { GROUP, startTestEnvironment, type TestEnvironment } from './environment';
import { packageTemplate } from './packaged';
import { sls, type SlsResult } from './sls';

/** A copy of the project template, packaged and deployed to a local cloud that `sls edge … --local` finds. */
export class LiveService {
  private constructor(
    readonly serviceDir: string,
    readonly environment: TestEnvironment,
  ) {}

  /** `edit` changes its serverless.yml first. */
  static async start(edit?: (yaml: string) => string): Promise<LiveService> {
    const { serviceDir, directory } = await packageTemplate(edit);
    const environment = await startTestEnvironment({ serviceDir, packageDir: directory });
    await writeStackFile(environment, path.join(serviceDir, '.edge', 'stack.json'));
    return new LiveService(serviceDir, environment);
  }

  /** Resolves when the edge serves devices. */
  async startEdge(): Promise<Edge> {
    const edge = await this.environment.startEdge(GROUP);
    await edge.process.waitFor('ready');
    return edge;
  }

  /** `sls edge <args> --local` */
  run(...args: string[]): Promise<SlsResult> {
    return sls(this.serviceDir, ['edge', ...args, '--local']);
  }

  /** Its document. Throws with the output when the command fails. */
  async json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.run(...args, '--json');
    if (code !== 0) throw new Error(`code ${code}\n${stdout}${stderr}`);
    return JSON.parse(stdout) as T;
  }

  async close(): Promise<void> {
    await this.environment.close();
    await rm(this.serviceDir, { recursive: true, force: true });
  }
}
