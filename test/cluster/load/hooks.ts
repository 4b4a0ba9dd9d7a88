// The hooks of the cluster test. Their tasks say what made them, so that each task can be traced to
// its event.
import { heavy } from '../../../src/task-hooks/test-support/heavy-template.ts';
import { ECHO_SCOPES, echoHook } from '../../support/client.ts';
import { EXCHANGE } from '../oracle/events.ts';

export const ROLE = 'hook-id:chaos/*';
export const ROLE_SCOPES = ECHO_SCOPES;

/**
 * Those that are triggered; one is rendered on the main thread, one in a worker, because its
 * template is heavy.
 */
export const CALLED = ['calls', 'calls/in-a-worker'] as const;
/** By which routing key each takes messages. */
export const BOUND = { 'messages/some': 'some.#', 'messages/all': '*.thing' } as const;
export const SCHEDULED = ['ticks', 'ticks/in-a-worker'] as const;

const payloadSchema = {
  type: 'object',
  properties: {
    mark: { type: 'string' },
    kind: { type: 'string' },
    list: { type: 'array', items: { type: 'number' } },
  },
  required: ['mark', 'kind', 'list'],
};

const inWorker = (hookId: string) => hookId.endsWith('/in-a-worker') || hookId === 'messages/all';

const taskOf = (payload: object) => ({ ...echoHook().task, payload });

/** @param version says in the task at which version of the hook it was made. */
export const triggeredHook = (hookId: string, pattern?: string, version = 1) => {
  const list = inWorker(hookId) ? heavy({ $eval: 'payload.list' }) : { $eval: 'payload.list' };
  const payload = {
    hookId,
    version,
    by: { $eval: 'firedBy' },
    id: { $eval: 'taskId' },
    said: { $eval: 'payload' },
    list,
  };
  return echoHook({
    triggerSchema: payloadSchema,
    task: { $if: "payload.kind != 'declines'", then: taskOf(payload) },
    bindings: pattern === undefined ? [] : [{ exchange: EXCHANGE, routingKeyPattern: pattern }],
  });
};

export const scheduledHook = (hookId: string, schedule: readonly string[], version = 1) => {
  const one = inWorker(hookId) ? heavy([1]) : [1];
  const payload = { hookId, version, by: { $eval: 'firedBy' }, id: { $eval: 'taskId' }, at: { $eval: 'now' }, one };
  return echoHook({ triggerSchema: { type: 'object' }, task: taskOf(payload), schedule });
};
