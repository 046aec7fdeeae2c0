import { EdgeError } from '../protocol';
import { answersInJson, commandHooks, EDGE_COMMANDS, isForDev, type CommandHost } from './commands';
import { edgeOnlyInCommands } from './commands/frameworkCommands';
import { hasSection, readConfiguration, type EdgeConfiguration } from './configuration/configuration';
import { invalid } from './configuration/problems';
import { DEPLOY_COMMANDS, deployHooks, leavingHooks } from './deploy';
import { frameworkError } from './errors';
import { requireSupported, type CommandOptions, type Serverless, type Utils } from './framework';
import { excludeLocalState, putBack, takeOutEdgeOnly, type TakenOut } from './packaging/edgeOnly';
import { withoutLayersAndImages } from './packaging/forLocalCloud';
import { checkFunctions } from './packaging/functionConfig';
import { isPackager, Packager } from './packaging/packager';
import { hideSharedArtifact, outputDirectory, writeEdgeDirectory } from './packaging/packaging';
import { requireNoCallers, requireNoReferences } from './packaging/references';
import { requireFreeRoutes } from './packaging/routes';
import { warnOfSettings } from './packaging/settings';
import { addResources } from './resources';
import { stackOf } from './resources/stack';
import {
  lendForCommand,
  lendForUpload,
  notifyFromExistingBuckets,
  placeSystemBundles,
  requireFreeNames,
} from './systemFunctions';
import { variableSources } from './variables';
import { adviseOnAwsVariables } from './variables/awsVariables';

type Hooks = Record<string, () => unknown>;

/** The Serverless Framework plugin: hooks alone, the work is done by the modules that they call. */
class EdgeOnDemandPlugin {
  readonly commands = { ...EDGE_COMMANDS, ...DEPLOY_COMMANDS };
  readonly configurationVariablesSources = variableSources(() => this.serverless.getProvider('aws'));
  readonly hooks: Hooks;
  private configuration: EdgeConfiguration | undefined;
  /** What is wrong with the configuration, while a command is left to say it. */
  private refusal: EdgeError | undefined;
  private takenOut: TakenOut = {};
  private readonly packager: Packager | undefined;
  private onResolved = (): void => undefined;
  private afterUpload: () => void = () => undefined;

  constructor(
    private readonly serverless: Serverless,
    private readonly options: CommandOptions,
    private readonly utils: Utils,
  ) {
    requireSupported(serverless);
    // Anything: the framework would say less about what is wrong, and some majors only warn. The check
    // of our own comes in `initialize`, and knows what the JSON Schema for editors knows.
    serverless.configSchemaHandler.defineTopLevelProperty('edge', { type: 'object' });
    this.packager = isPackager() ? new Packager(serverless) : undefined;
    if (isForDev(serverless)) this.onResolved = adviseOnAwsVariables(serverless, utils);
    const host: CommandHost = { serverless, options, utils, configuration: () => this.read() };
    this.hooks = this.reporting({
      ...commandHooks(host),
      ...bySection(serverless, { ...deployHooks(host), ...this.packagingHooks() }, leavingHooks(host)),
      initialize: () => {
        this.onResolved();
        this.start();
      },
    });
  }

  private packagingHooks(): Hooks {
    const { serverless } = this;
    return {
      'before:package:initialize': () => this.prepareFunctions(),
      'after:package:setupProviderConfiguration': () => putBack(serverless, this.takenOut),
      // This does not happen earlier, because bundlers work on all functions until then.
      'before:package:compileLayers': () => this.extractEdgePackages(),
      'after:package:compileEvents': () => this.addResources(),
      'after:aws:package:finalize:mergeCustomProviderResources': () => {
        requireNoReferences(serverless, this.takenOut);
      },
      'before:aws:deploy:deploy:checkForChanges': () => this.beforeUpload(),
      'after:aws:deploy:deploy:uploadArtifacts': () => this.afterUpload(),
      finalize: () => this.packager?.serve(this.read()),
    };
  }

  /** Not in the constructor: variables are resolved and the service is checked by now. */
  private start(): void {
    if (!hasSection(this.serverless)) {
      this.utils.log.warning(
        'serverless-edge-on-demand is among the plugins, and serverless.yml has no "edge" section: it adds nothing',
      );
      return;
    }
    try {
      const configuration = this.read();
      requireFreeNames(this.serverless, configuration);
      lendForCommand(this.serverless, configuration, this.options.function);
      edgeOnlyInCommands(this.serverless, configuration, this.options.function);
    } catch (error) {
      if (!(error instanceof EdgeError) || !answersInJson(this.serverless, this.options)) throw error;
      this.refusal = error;
    }
  }

  private read(): EdgeConfiguration {
    if (this.refusal !== undefined) throw this.refusal;
    if (!hasSection(this.serverless)) {
      throw invalid([{ path: 'edge', text: 'found nothing, expected the section of this plugin' }]);
    }
    this.configuration ??= readConfiguration(this.serverless);
    return this.configuration;
  }

  private prepareFunctions(): void {
    const configuration = this.read();
    const { service } = this.serverless;
    checkFunctions(service, configuration);
    requireNoCallers(service, configuration);
    requireFreeRoutes(service, configuration);
    warnOfSettings(this.serverless, configuration, this.utils);
    const { warning } = configuration.engine.descriptor;
    if (warning !== undefined) this.utils.log.warning(warning);
    excludeLocalState(this.serverless);
    this.packager?.note(configuration);
    this.takenOut = takeOutEdgeOnly(this.serverless, configuration);
  }

  private async extractEdgePackages(): Promise<void> {
    await writeEdgeDirectory(this.serverless, this.read());
    await placeSystemBundles(this.read(), outputDirectory(this.serverless));
    takeOutEdgeOnly(this.serverless, this.read());
    if (isForDev(this.serverless)) withoutLayersAndImages(this.serverless.service);
  }

  private async addResources(): Promise<void> {
    const { service } = this.serverless;
    const configuration = this.read();
    await notifyFromExistingBuckets(this.serverless, configuration);
    addResources(service.provider.compiledCloudFormationTemplate, {
      configuration,
      stack: stackOf(this.serverless, configuration),
      service,
      provider: this.serverless.getProvider('aws'),
    });
  }

  private async beforeUpload(): Promise<void> {
    await hideSharedArtifact(this.serverless);
    this.afterUpload = lendForUpload(this.serverless, this.read(), outputDirectory(this.serverless));
  }

  private reporting(hooks: Hooks): Hooks {
    return mapped(hooks, async (hook) => {
      try {
        await hook();
      } catch (error) {
        throw error instanceof EdgeError ? frameworkError(this.serverless, error) : error;
      }
    });
  }
}

/** What happens for a service with an `edge` section, and for one without. */
function bySection(serverless: Serverless, withSection: Hooks, without: Hooks): Hooks {
  const events = [...new Set([...Object.keys(withSection), ...Object.keys(without)])];
  return Object.fromEntries(
    events.map((event) => [event, () => (hasSection(serverless) ? withSection : without)[event]?.()]),
  );
}

function mapped(hooks: Hooks, around: (hook: () => unknown) => unknown): Hooks {
  return Object.fromEntries(Object.entries(hooks).map(([event, hook]) => [event, () => around(hook)]));
}

// Both `require('…')` and `import` of the built bundle give the class itself.
export default EdgeOnDemandPlugin;
