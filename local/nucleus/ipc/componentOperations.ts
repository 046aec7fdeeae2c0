import { z } from 'zod';
import type { ReportedState } from '../components/component';
import type { ConfigurationStore } from '../configuration/store';
import { isTree } from '../configuration/tree';
import type { UpdateNotices } from '../deployment/updateNotices';
import { inputOf, IpcError, type IpcOperations } from './operation';

const keyPathSchema = z.array(z.string()).default([]);
const getSchema = z.object({ componentName: z.string().optional(), keyPath: keyPathSchema });
const updateSchema = z.object({
  keyPath: keyPathSchema,
  /** Seconds since the epoch. */
  timestamp: z.number(),
  valueToMerge: z.record(z.string(), z.unknown()),
});

const KEY_NOT_FOUND = 'Key not found';
/** A component may not give itself permissions. */
const RESTRICTED = 'accessControl';

/** A component's view of configurations: it reads all, changes its own, and hears of changes. */
export function configurationOperations(store: ConfigurationStore): IpcOperations {
  return {
    GetConfiguration: {
      streaming: false,
      handle(call) {
        const { componentName = call.component, keyPath } = inputOf(call, getSchema);
        const value = store.at(componentName, keyPath);
        if (value === undefined) throw new IpcError('ResourceNotFoundError', KEY_NOT_FOUND);
        return { componentName, value: isTree(value) ? value : { [keyPath.at(-1) ?? '']: value } };
      },
    },
    SubscribeToConfigurationUpdate: {
      streaming: true,
      handle(call) {
        const { componentName = call.component, keyPath } = inputOf(call, getSchema);
        if (store.at(componentName, keyPath) === undefined) {
          throw new IpcError('ResourceNotFoundError', KEY_NOT_FOUND);
        }
        const unwatch = store.watch(componentName, keyPath, (changed) =>
          call.send('ConfigurationUpdateEvents', {
            configurationUpdateEvent: { componentName, keyPath: changed },
          }),
        );
        call.onEnd(unwatch);
        return {};
      },
    },
    UpdateConfiguration: {
      streaming: false,
      handle(call) {
        const { keyPath, timestamp, valueToMerge } = inputOf(call, updateSchema);
        if (keyPath[0] === RESTRICTED || (keyPath.length === 0 && Object.hasOwn(valueToMerge, RESTRICTED))) {
          throw new IpcError('InvalidArgumentsError', `Config update is not allowed for ${RESTRICTED}`);
        }
        if (!store.merge(call.component, keyPath, valueToMerge, timestamp * 1000)) {
          throw new IpcError(
            'FailedUpdateConditionCheckError',
            "Proposed timestamp is older than the config's latest modified timestamp",
          );
        }
        return {};
      },
    },
  };
}

const stateSchema = z.object({ state: z.enum(['RUNNING', 'ERRORED']) });
const deferSchema = z.object({
  deploymentId: z.string(),
  message: z.string().optional(),
  recheckAfterMs: z.number().min(0).default(0),
});

/** What a component says of itself, and of updates that would stop it. */
export function lifecycleOperations(
  updateState: (component: string, state: ReportedState) => boolean,
  notices: UpdateNotices,
): IpcOperations {
  return {
    UpdateState: {
      streaming: false,
      handle(call) {
        const { state } = inputOf(call, stateSchema);
        if (!updateState(call.component, state)) {
          throw new IpcError('ResourceNotFoundError', `Service ${call.component} not found`);
        }
        return {};
      },
    },
    SubscribeToComponentUpdates: {
      streaming: true,
      handle(call) {
        const unsubscribe = notices.subscribe(call.component, (event) =>
          call.send('ComponentUpdatePolicyEvents', event),
        );
        call.onEnd(unsubscribe);
        return {};
      },
    },
    DeferComponentUpdate: {
      streaming: false,
      handle(call) {
        const { deploymentId, recheckAfterMs } = inputOf(call, deferSchema);
        const problem = notices.answer(call.component, deploymentId, recheckAfterMs);
        if (problem === 'notSubscribed') {
          const message = 'Component is not subscribed to component update events';
          throw new IpcError('InvalidArgumentsError', message);
        }
        if (problem === 'late') {
          throw new IpcError('ServiceError', 'Time limit to respond to PreComponentUpdateEvent exceeded');
        }
        return {};
      },
    },
  };
}
