// The hook that is measured: as large and as varied as the hooks that people have.
import hook from './hook.json' with { type: 'json' };
import { call, type RunningServer } from './server.ts';

export const HOOK_PATH = '/api/hooks/v1/hooks/bench/trigger';
export const TRIGGER_PATH = `${HOOK_PATH}/trigger`;

export const TRIGGER_PAYLOAD = {
  ref: 'refs/heads/main',
  level: 2,
  debug: true,
  labels: ['nightly', 'linux'],
  requestedAt: '2026-11-20T16:08:05.345Z',
  env: { A: 'b' },
};

/**
 * Makes the hook and the role that lets it create tasks, fires it once, and checks that the right
 * task came of it.
 */
export const prepareHook = async (server: RunningServer): Promise<void> => {
  await call(server, 'PUT', `/api/auth/v1/roles/${encodeURIComponent('hook-id:*')}`, {
    description: 'what the hooks of the bench may do',
    scopes: ['assume:repo:bench/*', 'queue:create-task:*', 'queue:route:*', 'queue:scheduler-id:*'],
  });
  await call(server, 'PUT', HOOK_PATH, hook);
  const { taskId } = (await call(server, 'POST', TRIGGER_PATH, TRIGGER_PAYLOAD)) as { taskId: string };
  const task = await readTask(server, taskId);
  if (task.metadata.name !== 'bench triggerHook' || task.payload.env.REF !== 'refs refs/heads/main') {
    throw new Error(`The hook of the bench made an unexpected task: ${JSON.stringify(task)}`);
  }
};

/** Throws when the queue has no such task. */
export const readTask = async (
  server: RunningServer,
  taskId: string,
): Promise<{ metadata: { name: string }; payload: { env: { REF: string } } }> =>
  (await call(server, 'GET', `/api/queue/v1/task/${taskId}`)) as Awaited<ReturnType<typeof readTask>>;
