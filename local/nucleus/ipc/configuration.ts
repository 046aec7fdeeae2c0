import { z } from 'zod';
import type { ConfigurationStore } from '../configuration/store';
import { IpcError } from './errors';
import { inputOf, type IpcOperations } from './operation';

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
        return { componentName, value: isObject(value) ? value : { [keyPath.at(-1) ?? '']: value } };
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

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
