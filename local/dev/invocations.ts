import { preciseNow, type Exchange } from '../../protocol';
import type { Invocation } from '../services/lambda';

/** What woke a system function, where no edge core tells of it already. */
const EVENTS: Record<string, Pick<Exchange, 'from' | 'step' | 'what'>> = {
  createFunction: { from: 'S3', step: 'set-up', what: 'package uploaded' },
  handleDeploymentRequest: { from: 'IoT rule', step: 'stage II', what: 'definition update' },
  performDeployment: { from: 'S3', step: 'stage II', what: 'update stored' },
};
/** Called over HTTP: the core that calls them tells of it. */
const TOLD_BY_THE_CORE = ['validateFunction', 'getGroupDefinition', 'cloudRemoteExecution'];

/** An invocation in the cloud as a step of the timeline, unless that has it already. */
export function invocationExchange(stackName: string, invocation: Invocation): Exchange | undefined {
  const { functionName, ms, ok } = invocation;
  const name = functionName.startsWith(`${stackName}-`)
    ? functionName.slice(stackName.length + 1)
    : functionName;
  if (TOLD_BY_THE_CORE.includes(name)) return undefined;
  const event = EVENTS[name] ?? { from: 'cloudRemoteExecution', step: 'invoke', what: 'invoked' };
  return { at: preciseNow() - ms, to: name, ms, ok, ...event };
}
