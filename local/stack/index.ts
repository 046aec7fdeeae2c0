import { AwsError, type CloudContext } from '../base/context';
import { resolve } from './intrinsics';
import { planStack } from './plan';
import { PROVIDERS } from '../services/cloudFormation';
import type { StackFacts, StandIns } from './scope';
import type { CloudServices } from '../services';
import { retained, StackChange, type DeployedResources } from './stack';
import { parseTemplate, type Template } from './template';

interface StackRequest {
  stackName: string;
  /** A compiled template as parsed JSON. */
  template: unknown;
  parameters?: Record<string, unknown>;
  /** For what the template refers to and does not have; absent: that is refused. */
  standIns?: StandIns;
}

export interface StackResource {
  type: string;
  /** What `Ref` gives. */
  ref: string;
  /** What `Fn::GetAtt` gives. */
  attributes: Record<string, string>;
}

export interface Stack {
  name: string;
  outputs: Record<string, string>;
  exports: Record<string, string>;
  /** By logical id, in the order in which they were made. */
  resources: Record<string, StackResource>;
}

interface StackRecord {
  stack: Stack;
  deployed: DeployedResources;
  template: Template;
  facts: StackFacts;
}

export interface CloudFormation {
  /** Throws what `deploy` throws before it touches anything. */
  validate(request: StackRequest): void;
  /**
   * Creates the stack, or updates it by difference. Throws EdgeError BAD_REQUEST (not a template),
   * AwsError ValidationError (something in it is not supported; nothing was touched), CREATE_FAILED
   * or UPDATE_FAILED (rolled back).
   */
  deploy(request: StackRequest): Promise<Stack>;
  stack(name: string): Stack | undefined;
  stacks(): Stack[];
  /** Deletes every resource that is not retained. Deleting a stack that does not exist does nothing. */
  delete(name: string): Promise<void>;
}

export function createCloudFormation(cloud: CloudContext, services: CloudServices): CloudFormation {
  const records = new Map<string, StackRecord>();
  const underway = new Set<string>();

  async function exclusively<T>(stackName: string, work: () => Promise<T>): Promise<T> {
    if (underway.has(stackName)) {
      throw new AwsError('ValidationError', `${stackName}: another change of this stack is in progress`);
    }
    underway.add(stackName);
    try {
      return await work();
    } finally {
      underway.delete(stackName);
    }
  }

  function examine({ stackName, template: raw, parameters = {}, standIns }: StackRequest) {
    const template = parseTemplate(raw);
    const { account, region } = cloud;
    const facts = { stackName, account, region, parameters, ...(standIns && { standIns }) };
    return { template, facts, planned: planStack(template, facts, PROVIDERS) };
  }

  async function deploy(request: StackRequest): Promise<Stack> {
    const { stackName } = request;
    const { template, facts, planned } = examine(request);
    const previous: DeployedResources = records.get(stackName)?.deployed ?? new Map();
    const change = new StackChange(cloud, services, { template, facts, planned, previous });
    await change.run();
    const stack = describeStack(stackName, template, change);
    records.set(stackName, { stack, deployed: change.resources, template, facts });
    return stack;
  }

  async function remove(name: string): Promise<void> {
    const record = records.get(name);
    if (record === undefined) return;
    const change = new StackChange(cloud, services, { ...record, planned: [], previous: record.deployed });
    for (const resource of [...record.deployed.values()].reverse()) {
      if (!retained(resource)) await change.delete(resource);
    }
    records.delete(name);
  }

  return {
    validate: (request) => void examine(request),
    deploy: (request) => exclusively(request.stackName, () => deploy(request)),
    stack: (name) => records.get(name)?.stack,
    stacks: () => [...records.values()].map(({ stack }) => stack),
    delete: (name) => exclusively(name, () => remove(name)),
  };
}

function describeStack(name: string, template: Template, { scope, resources }: StackChange): Stack {
  const stack: Stack = { name, outputs: {}, exports: {}, resources: {} };
  for (const [output, { Value, Condition, Export }] of Object.entries(template.Outputs)) {
    if (Condition !== undefined && !scope.condition(Condition)) continue;
    const value = String(resolve(Value, scope));
    stack.outputs[output] = value;
    if (Export !== undefined) stack.exports[String(resolve(Export.Name, scope))] = value;
  }
  for (const [logicalId, { provider, physical }] of resources) {
    stack.resources[logicalId] = { type: provider.type, ...physical };
  }
  return stack;
}
