import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import EdgeOnDemandPlugin from '../../../plugin';
import type { CompiledTemplate, CommandOptions, Serverless, Utils } from '../../../plugin/framework';

export interface PackageOptions {
  stage?: string;
}

export interface Packaged {
  template: CompiledTemplate;
  /** What the plugin warned of, in order. */
  warnings: string[];
}

/** The part of the framework that its command line uses. */
interface Framework extends Serverless {
  init: () => Promise<void>;
  run: () => Promise<void>;
  pluginManager: Serverless['pluginManager'] & { addPlugin: (plugin: unknown) => void };
}

/** Neither has types. */
const FRAMEWORK: string = 'serverless/lib/serverless.js';
const READER: string = 'serverless/lib/configuration/read.js';

/**
 * Packages the service of a folder: the framework's own class, which its command line makes an instance of,
 * with the plugin as it is in the sources. Takes over the working folder meanwhile.
 */
export async function packageInProcess(
  dir: string,
  { stage = 'dev' }: PackageOptions = {},
): Promise<Packaged> {
  const { default: FrameworkClass } = (await import(FRAMEWORK)) as {
    default: new (input: object) => Framework;
  };
  const configurationFilename = 'serverless.yml';
  const file = path.join(dir, configurationFilename);
  // The framework resolves variables in its command line; the fixture has only this one.
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll('${sls:stage}', stage));
  const configuration = await readFrameworkConfiguration(file);
  const framework = new FrameworkClass({
    serviceDir: dir,
    configurationFilename,
    configuration: { ...configuration, plugins: [] },
    commands: ['package'],
    options: { stage },
  });
  await framework.init();
  const warnings: string[] = [];
  framework.pluginManager.addPlugin(
    class extends EdgeOnDemandPlugin {
      constructor(serverless: Serverless, options: CommandOptions, utils: Utils) {
        const warning = (...message: unknown[]): void => void warnings.push(message.join(' '));
        super(serverless, options, { ...utils, log: { ...utils.log, warning } });
      }
    },
  );
  // As on the command line: the framework takes relative paths of artifacts from there.
  const before = process.cwd();
  process.chdir(dir);
  try {
    await framework.run();
  } finally {
    process.chdir(before);
  }
  return { template: framework.service.provider.compiledCloudFormationTemplate, warnings };
}

async function readFrameworkConfiguration(file: string): Promise<Record<string, unknown>> {
  const { default: read } = (await import(READER)) as {
    default: (file: string) => Promise<Record<string, unknown>>;
  };
  return read(file);
}
