import { join } from 'node:path';
import { openJsonFolder } from '../../../base/jsonFile';
import { missingResource } from '../input';
import { deploymentSchema, executionSchema, type StoredDeployment, type ExecutionRecord } from './schema';

/** Deployments, and what became of each on each core; kept on disk. */
export interface DeploymentStore {
  /** Throws ResourceNotFoundException. */
  require: (deploymentId: string) => StoredDeployment;
  find(deploymentId: string): StoredDeployment | undefined;
  /** Newest first. */
  ofTarget(targetArn: string): StoredDeployment[];
  all(): StoredDeployment[];
  save(deployment: StoredDeployment): void;
  remove(deploymentId: string): void;

  execution(core: string, deploymentId: string): ExecutionRecord | undefined;
  /** Of one core, newest first. */
  executionsOn(core: string): ExecutionRecord[];
  executionsOf(deploymentId: string): ExecutionRecord[];
  saveExecution(execution: ExecutionRecord): void;
  removeExecutions(core: string): void;
}

/** AWS keeps the jobs of a core for a time; here it is a number of them. */
const KEPT_PER_CORE = 100;

export function openDeploymentStore(dir: string): DeploymentStore {
  const deployments = openJsonFolder(join(dir, 'deployments'), deploymentSchema);
  const executions = openJsonFolder(join(dir, 'executions'), executionSchema);
  const byId = new Map(
    deployments
      .readAll()
      .sort((a, b) => a.createdAt - b.createdAt || Number(a.revisionId) - Number(b.revisionId))
      .map((one) => [one.deploymentId, one]),
  );
  const keyOf = (execution: Pick<ExecutionRecord, 'coreThingName' | 'deploymentId'>): string =>
    `${execution.coreThingName}/${execution.deploymentId}`;
  const byCore = new Map(
    executions
      .readAll()
      .sort((a, b) => a.createdAt - b.createdAt)
      .map((one) => [keyOf(one), one]),
  );
  const executionsOn = (core: string): ExecutionRecord[] =>
    [...byCore.values()].filter(({ coreThingName }) => coreThingName === core).reverse();
  const drop = (execution: ExecutionRecord): void => {
    byCore.delete(keyOf(execution));
    executions.remove(keyOf(execution));
  };

  return {
    require(deploymentId) {
      const found = byId.get(deploymentId);
      if (found === undefined) throw missingResource('deployment', deploymentId);
      return found;
    },
    find: (deploymentId) => byId.get(deploymentId),
    ofTarget: (targetArn) => [...byId.values()].filter((one) => one.targetArn === targetArn).reverse(),
    all: () => [...byId.values()].reverse(),
    save(deployment) {
      byId.set(deployment.deploymentId, deployment);
      deployments.write(deployment.deploymentId, deployment);
    },
    remove(deploymentId) {
      byId.delete(deploymentId);
      deployments.remove(deploymentId);
    },
    execution: (coreThingName, deploymentId) => byCore.get(keyOf({ coreThingName, deploymentId })),
    executionsOn,
    executionsOf: (deploymentId) => [...byCore.values()].filter((one) => one.deploymentId === deploymentId),
    saveExecution(execution) {
      byCore.set(keyOf(execution), execution);
      executions.write(keyOf(execution), execution);
      for (const old of executionsOn(execution.coreThingName).slice(KEPT_PER_CORE)) drop(old);
    },
    removeExecutions(core) {
      for (const execution of executionsOn(core)) drop(execution);
    },
  };
}
