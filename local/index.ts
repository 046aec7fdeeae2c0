export { startLocalCloud, type CloudEndpoints, type LocalCloud } from './cloud';
export type { CloudOptions } from './cloudOptions';
export type { Stack, StackResource } from './cloudFormation';
export type { DeployRequest } from './deploy';
export type { Edge, EdgeOptions } from './environment/edge';
export {
  startEnvironment,
  type CloudFormationTemplate,
  type Environment,
  type EnvironmentOptions,
  type GroupSetup,
} from './environment/environment';
export { startGreengrassEdge } from './environment/greengrassEdge';
export { startNucleusProcess, type NucleusOptions, type NucleusPlace } from './environment/nucleus';
export type { WantedGroup } from '../operator/groupUpdate';
export { createOperator, type Operator, type ProvisionedThing, type Upload } from '../operator/operator';
export { awaitInterruption, type Interruption } from './environment/interruption';
export { writeStackFile } from './environment/stackFile';
export { packageService, readPackagedService, type PackagedService } from './environment/packaging';
export { startProcess, type NodeProcess, type ProcessEvent, type ProcessExit } from './environment/process';
export type { ThingFiles } from '../operator/thingFiles';
export { runDev, type DevOptions } from './dev/runDev';
export { Timeline, type Paint } from './dev/timeline';
export { quietSdk } from './quietSdk';
