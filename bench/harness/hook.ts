// The hooks that are measured. The one of decision tasks and actions, with `$let`, `$map` and
// `$merge`, is the main one; the plain one has conditions and insertions only.
import decisionHook from '../decision-hook.json' with { type: 'json' };
import hook from '../hook.json' with { type: 'json' };
import { call, type RunningServer } from './server.ts';

export type BenchHook = {
  readonly path: string;
  /** As createHook takes it. */
  readonly definition: object;
  readonly payload: object;
  /** What `REF` in the environment of its task must be. */
  readonly ref: string;
};

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

export const PLAIN_HOOK: BenchHook = {
  path: HOOK_PATH,
  definition: hook,
  payload: TRIGGER_PAYLOAD,
  ref: 'refs refs/heads/main',
};

export const DECISION_HOOK: BenchHook = {
  path: '/api/hooks/v1/hooks/bench/decision',
  ...decisionHook,
  ref: decisionHook.payload.ref,
};

export const triggerPathOf = ({ path }: BenchHook): string => `${path}/trigger`;

/** What the queue has of a task. */
export type BenchTask = {
  readonly metadata: { readonly name: string };
  readonly payload: { readonly env: { readonly REF: string } };
};

type Server = Pick<RunningServer, 'url' | 'credentials'>;

/**
 * Makes the plain hook and the role that lets it create tasks, fires it once, and checks that the
 * right task came of it.
 */
export const prepareHook = async (server: Server): Promise<void> => {
  await prepareRole(server);
  await prepareOne(server, PLAIN_HOOK);
};

/** Lets all hooks of the bench create tasks. */
export const prepareRole = async (server: Server): Promise<void> => {
  await call(server, 'PUT', `/api/auth/v1/roles/${encodeURIComponent('hook-id:*')}`, {
    description: 'what the hooks of the bench may do',
    scopes: ['assume:repo:bench/*', 'queue:create-task:*', 'queue:route:*', 'queue:scheduler-id:*'],
  });
};

/** Makes one hook, fires it once, checks the task that came of it, and answers that. */
export const prepareOne = async (server: Server, one: BenchHook): Promise<{ taskId: string; task: BenchTask }> => {
  await call(server, 'PUT', one.path, one.definition);
  const { taskId } = (await call(server, 'POST', triggerPathOf(one), one.payload)) as { taskId: string };
  const task = await readTask(server, taskId);
  if (task.metadata.name !== 'bench triggerHook' || task.payload.env.REF !== one.ref) {
    throw new Error(`${one.path} made an unexpected task: ${JSON.stringify(task)}`);
  }
  return { taskId, task };
};

/** Throws when the queue has no such task. */
export const readTask = async (server: Server, taskId: string): Promise<BenchTask> =>
  (await call(server, 'GET', `/api/queue/v1/task/${taskId}`)) as BenchTask;
