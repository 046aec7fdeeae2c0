import { EdgeError } from '../protocol';
import { answersInJson, commandHooks, EDGE_COMMANDS, isForDev, type CommandHost } from './commands';
import { readConfiguration, type EdgeConfiguration } from './configuration/configuration';
import { DEPLOY_COMMANDS, deployHooks } from './deploy';
import { frameworkError } from './errors';
import type { CommandOptions, Serverless, Utils } from './framework';
import {
  excludeLocalState,
  putBack,
  takeOutEdgeOnly,
  warnOfEvents,
  type TakenOut,
} from './packaging/edgeOnly';
import { checkFunctions } from './packaging/functionConfig';
import { isPackager, Packager } from './packaging/packager';
import { outputDirectory, writeEdgeDirectory } from './packaging/packaging';
import { addResources } from './resources';
import { stackOf } from './resources/stack';
import { addSystemFunctions, keepRole, placeSystemBundles, prepareForOffline } from './systemFunctions';
import { variableSources } from './variables';
import { adviseOnAwsVariables } from './variables/awsVariables';

/** The Serverless Framework plugin: hooks alone, the work is done by the modules that they call. */
class EdgeOnDemandPlugin {
  readonly commands = { ...EDGE_COMMANDS, ...DEPLOY_COMMANDS };
  readonly configurationVariablesSources = variableSources(() => this.serverless.getProvider('aws'));
  readonly hooks: Record<string, () => unknown>;
  private configuration: EdgeConfiguration | undefined;
  /** What is wrong with the configuration, while a command is left to say it. */
  private refusal: EdgeError | undefined;
  private takenOut: TakenOut = {};
  private readonly packager: Packager | undefined;
  private onResolved = (): void => undefined;

  constructor(
    private readonly serverless: Serverless,
    private readonly options: CommandOptions,
    private readonly utils: Utils,
  ) {
    // Anything: the framework would say less about what is wrong, and some majors only warn. The check
    // of our own comes in `initialize`, and knows what the JSON Schema for editors knows.
    serverless.configSchemaHandler.defineTopLevelProperty('edge', { type: 'object' });
    this.packager = isPackager() ? new Packager(serverless) : undefined;
    if (isForDev(serverless)) this.onResolved = adviseOnAwsVariables(serverless, utils);
    this.hooks = Object.fromEntries(
      Object.entries(this.hookTable()).map(([event, hook]) => [event, () => this.reportingErrors(hook)]),
    );
  }

  private hookTable(): Record<string, () => unknown> {
    const { serverless, options, utils } = this;
    const host: CommandHost = { serverless, options, utils, configuration: () => this.read() };
    return {
      ...deployHooks(host),
      ...commandHooks(host),
      // This does not happen in the constructor, where they would be lost when the user has no `functions:`.
      initialize: () => {
        this.onResolved();
        this.addFunctions();
      },
      'before:package:initialize': () => this.prepareFunctions(),
      'after:package:setupProviderConfiguration': () => putBack(this.serverless, this.takenOut),
      'before:package:createDeploymentArtifacts': () => this.placeBundles(),
      // This does not happen earlier, because bundlers work on all functions until then.
      'before:package:compileLayers': () => this.extractEdgePackages(),
      'after:package:compileEvents': () => this.addResources(),
      'before:deploy:function:packageFunction': () => this.placeBundles(),
      'before:deploy:function:deploy': () => keepRole(this.serverless, this.options.function),
      'before:offline:start': () => prepareForOffline(this.serverless),
      'before:offline:start:init': () => prepareForOffline(this.serverless),
      finalize: () => this.packager?.serve(this.read()),
    };
  }

  private addFunctions(): void {
    try {
      addSystemFunctions(this.serverless, this.read());
    } catch (error) {
      if (!(error instanceof EdgeError) || !answersInJson(this.serverless, this.options)) throw error;
      this.refusal = error;
    }
  }

  private read(): EdgeConfiguration {
    if (this.refusal !== undefined) throw this.refusal;
    this.configuration ??= readConfiguration(this.serverless);
    return this.configuration;
  }

  private prepareFunctions(): void {
    const configuration = this.read();
    checkFunctions(this.serverless.service, configuration);
    warnOfEvents(this.serverless, configuration, this.utils);
    const { warning } = configuration.engine.descriptor;
    if (warning !== undefined) this.utils.log.warning(warning);
    excludeLocalState(this.serverless);
    this.packager?.note(configuration);
    this.takenOut = takeOutEdgeOnly(this.serverless, configuration);
  }

  private placeBundles(): Promise<void> {
    return placeSystemBundles(this.serverless, this.read(), outputDirectory(this.serverless));
  }

  private async extractEdgePackages(): Promise<void> {
    await writeEdgeDirectory(this.serverless, this.read());
    takeOutEdgeOnly(this.serverless, this.read());
    // The framework would ask AWS for the layers that are there, and the local cloud has none.
    if (isForDev(this.serverless)) this.serverless.service.layers = {};
  }

  private addResources(): void {
    const { service } = this.serverless;
    addResources(service.provider.compiledCloudFormationTemplate, {
      configuration: this.read(),
      stack: stackOf(this.serverless, this.read()),
      service,
      provider: this.serverless.getProvider('aws'),
    });
  }

  private async reportingErrors(hook: () => unknown): Promise<void> {
    try {
      await hook();
    } catch (error) {
      throw error instanceof EdgeError ? frameworkError(this.serverless, error) : error;
    }
  }
}

// Both `require('…')` and `import` of the built bundle give the class itself.
export default EdgeOnDemandPlugin;
