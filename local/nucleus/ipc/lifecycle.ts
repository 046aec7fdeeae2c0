import { z } from 'zod';
import type { UpdateNotices } from '../deployment/updateNotices';
import { IpcError } from './errors';
import { inputOf, type IpcOperations } from './operation';

const stateSchema = z.object({ state: z.enum(['RUNNING', 'ERRORED']) });
const deferSchema = z.object({
  deploymentId: z.string(),
  message: z.string().optional(),
  recheckAfterMs: z.number().min(0).default(0),
});

/** What a component says of itself, and of updates that would stop it. */
export function lifecycleOperations(
  updateState: (component: string, state: 'RUNNING' | 'ERRORED') => boolean,
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
