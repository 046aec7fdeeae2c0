import path from 'node:path';
import { packageFile } from '../../operations/packages/deployManifest';
import {
  PACKAGER_VARIABLE,
  type PackageAgain,
  type PackagedFile,
  type PackagerMessage,
} from '../../operations/packages/packagerChannel';
import type { EdgeConfiguration } from '../configuration/configuration';
import type { Serverless, ServerlessService } from '../framework';
import { cloudFunctionOf } from './functionConfig';
import { edgeDirectory, writePackages } from './packaging';

/** What the framework and bundlers change while they package, as it was before. */
type Untouched = Pick<ServerlessService, 'functions' | 'package' | 'layers'>;

/** The framework, and with it every bundler, makes artifacts in these. */
const ARTIFACT_HOOKS = ['before:', '', 'after:'].map((when) => `${when}package:createDeploymentArtifacts`);

/** Whether `sls edge dev` waits for this process to package again and again. */
export function isPackager(): boolean {
  return process.env[PACKAGER_VARIABLE] === '1' && process.send !== undefined;
}

/**
 * Packages the functions of the `edge` section again and again in one process of the framework: a bundler
 * keeps what it knows between two builds.
 */
export class Packager {
  private untouched: Untouched | undefined;

  constructor(private readonly serverless: Serverless) {}

  /** Before anything is packaged. */
  note({ section }: EdgeConfiguration): void {
    const { service } = this.serverless;
    const named = Object.entries(service.functions).filter(([name]) =>
      Object.hasOwn(section.functions, name),
    );
    const { layers } = service;
    this.untouched = structuredClone({
      functions: Object.fromEntries(named),
      package: service.package,
      ...(layers && { layers }),
    });
    prepareBundlers(this.serverless);
  }

  /** Answers until the one who asks is gone. */
  async serve(configuration: EdgeConfiguration): Promise<void> {
    let last = Promise.resolve();
    process.on('message', (message: PackageAgain) => {
      last = last.then(() => this.answer(message.id, configuration));
    });
    tell({ type: 'ready' });
    if (process.connected) await new Promise<void>((resolve) => process.once('disconnect', resolve));
    // A bundler may hold on to the process.
    process.exit(0);
  }

  private async answer(id: number, configuration: EdgeConfiguration): Promise<void> {
    try {
      const packages = await this.again(configuration);
      tell({ type: 'packaged', id, packages });
    } catch (thrown) {
      tell({ type: 'failed', id, message: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  }

  private async again(configuration: EdgeConfiguration): Promise<PackagedFile[]> {
    const { serverless } = this;
    const directory = edgeDirectory(serverless);
    Object.assign(serverless.service, structuredClone(this.untouched));
    for (const event of ARTIFACT_HOOKS) {
      for (const { hook } of serverless.pluginManager.hooks[event] ?? []) await hook();
    }
    const packages = await writePackages(serverless, configuration, directory);
    return packages.map(({ name, locations }) => {
      const packaged = { name, file: path.join(directory, packageFile(name)) };
      if (!locations.includes('cloud')) return packaged;
      const definition = serverless.service.functions[name] ?? {};
      return { ...packaged, cloudFunction: cloudFunctionOf(name, definition, configuration) };
    });
  }
}

/**
 * serverless-esbuild would end its incremental builds after each. It makes source maps where the service does
 * not say otherwise, so that what functions throw is told in terms of their sources.
 */
function prepareBundlers({ pluginManager }: Serverless): void {
  for (const plugin of pluginManager.plugins) {
    const { buildOptions } = plugin as { buildOptions?: { disposeContext?: boolean; sourcemap?: unknown } };
    if (buildOptions?.disposeContext !== true) continue;
    buildOptions.disposeContext = false;
    buildOptions.sourcemap ??= true;
  }
}

function tell(message: PackagerMessage): void {
  process.send?.(message);
}
