import { EdgeError } from '../protocol';
import { dev } from './commands/dev';
import { readConfiguration, type EdgeConfiguration } from './configuration/configuration';
import { edgeSectionJsonSchema } from './configuration/schema';
import type { CommandOptions, Serverless, Utils } from './framework';
import { extractEdgePackages, placeSystemBundles, withoutEdgeOnly } from './packaging/packaging';
import { addResources } from './resources';
import { addSystemFunctions } from './systemFunctions';

/** The Serverless Framework plugin: hooks alone, the work is done by the modules that they call. */
class EdgeOnDemandPlugin {
  readonly commands = {
    edge: {
      usage: 'Functions on edges, on demand of devices',
      commands: {
        dev: {
          usage: 'Run the whole service on this machine: cloud, edge cores, TLS and all',
          lifecycleEvents: ['run'],
        },
      },
    },
  };

  readonly hooks: Record<string, () => unknown>;
  private configuration: EdgeConfiguration | undefined;
  private restoreFunctions: () => void = () => undefined;

  constructor(
    private readonly serverless: Serverless,
    private readonly options: CommandOptions,
    private readonly utils: Utils,
  ) {
    serverless.configSchemaHandler.defineTopLevelProperty('edge', edgeSectionJsonSchema());
    this.hooks = Object.fromEntries(
      Object.entries(this.hookTable()).map(([event, hook]) => [event, () => this.reportingErrors(hook)]),
    );
  }

  private hookTable(): Record<string, () => unknown> {
    return {
      // Not in the constructor: without a `functions:` of the user's own they would be lost there.
      initialize: () => addSystemFunctions(this.serverless, this.read()),
      'before:package:setupProviderConfiguration': () => {
        this.restoreFunctions = withoutEdgeOnly(this.serverless, this.read());
      },
      'after:package:setupProviderConfiguration': () => this.restoreFunctions(),
      'before:package:createDeploymentArtifacts': () => placeSystemBundles(this.serverless),
      'before:package:compileFunctions': () => extractEdgePackages(this.serverless, this.read()),
      'after:package:compileEvents': () => this.addResources(),
      'edge:dev:run': () => dev(this.serverless, this.options, this.utils),
    };
  }

  private read(): EdgeConfiguration {
    this.configuration ??= readConfiguration(this.serverless);
    return this.configuration;
  }

  private addResources(): void {
    const template = this.serverless.service.provider.compiledCloudFormationTemplate;
    addResources(template, this.read(), this.serverless.getProvider('aws'));
  }

  /** The framework shows its own error class without a stack: what went wrong, where, what to do. */
  private async reportingErrors(hook: () => unknown): Promise<void> {
    try {
      await hook();
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error;
      throw new this.serverless.classes.Error(`${error.message}\n${error.action}`, `EDGE_${error.code}`);
    }
  }
}

// Both `require('…')` and `import` of the built bundle give the class itself.
export default EdgeOnDemandPlugin;
