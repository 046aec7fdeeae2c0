export { startLocalCloud, type CloudEndpoints, type LocalCloud } from './cloud';
export type { CloudOptions } from './cloudOptions';
export type { Stack, StackResource } from './stack';
export type { DeployRequest } from './stack/deploy';
export type { Edge, EdgeOptions } from './dev/edge';
export {
  startEnvironment,
  type CloudFormationTemplate,
  type Environment,
  type EnvironmentOptions,
  type GroupSetup,
} from './dev/environment';
export { startGreengrassEdge } from './dev/greengrassEdge';
export { startNucleusProcess, type NucleusOptions, type NucleusPlace } from './dev/nucleus';
export type { WantedGroup } from '../operations/groups/groupUpdate';
export {
  createOperator,
  type Operator,
  type PackageUpload as Upload,
  type ProvisionedThing,
} from '../operations/operator';
export { awaitInterruption, type Interruption } from './dev/interruption';
export { packageService, readPackagedService, type PackagedService } from './dev/packaging';
export { startProcess, type NodeProcess, type ProcessEvent, type ProcessExit } from './dev/process';
export type { ThingFiles } from '../operations/things/thingFiles';
export { runDev, writeStackFile, type DevOptions } from './dev/runDev';
export { screenOf } from './dev/terminal/text';
export { Timeline } from './dev/terminal/timeline';
export { quietSdk } from './quietSdk';
export { DeviceProcess } from './testing/device';
export { functionPackage } from './testing/functionPackage';
export { startLocalService, type ServiceUnderTest } from './testing/service';
