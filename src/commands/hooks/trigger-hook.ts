// `hookwright hooks trigger`: fires a hook, and can wait for what becomes of the task.
import { ApiCallError } from '#client';
import type { Connection } from '../calls/api-connection.ts';
import type { Call, Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { readPayload } from '../cli/input/payload.ts';
import { type HookArguments, hookOf } from './hook-name.ts';

const LOOK_EVERY_MS = 500;
/**
 * After so long a call is answered although the queue has not taken the task yet. A little less
 * than the server's 10 s, for the clocks.
 */
const ANSWERED_UNMADE_MS = 9_900;
const RESOLVED = ['completed', 'failed', 'exception'];

export const triggerHook: Run = async (call) => {
  const name = hookOf(call);
  const payload = await readPayload(call);
  const connection = await call.connect();
  const begun = call.clock.monotonic();
  const answer = await connection.hooks.triggerHook(...name, payload);
  const { taskId } = answer;
  if (taskId === undefined) {
    call.output.answer(answer, () => 'The template rendered to nothing: no task was made.');
    return EXIT_STATUS.done;
  }
  const made =
    call.clock.monotonic() - begun < ANSWERED_UNMADE_MS
      ? `Made the task ${taskId}.`
      : `The task ${taskId} may not be made yet: the queue was slow to answer, and attempts go on (hookwright hooks fires ${name.join('/')}).`;
  if (!call.has('wait')) {
    call.output.answer(answer, () => made);
    return EXIT_STATUS.done;
  }
  call.output.remark(`${made} Waiting until it is resolved; Ctrl-C ends the waiting, not the task.`);
  const state = await resolved(call, connection, name, taskId);
  call.output.answer({ ...answer, state }, () => `The task ${taskId} is ${state}.`);
  return state === 'completed' ? EXIT_STATUS.done : EXIT_STATUS.failed;
};

const resolved = async (
  { clock }: Call,
  { hooks, queue }: Connection,
  name: HookArguments,
  taskId: string,
): Promise<string> => {
  let mayCome = true;
  for (;;) {
    try {
      const { status } = await queue.status(taskId);
      if (RESOLVED.includes(status.state)) return status.state;
    } catch (error) {
      if (!mayCome || !(error instanceof ApiCallError) || error.code !== 'ResourceNotFound') throw error;
      const { pending = [] } = await hooks.listFires(...name, { limit: '1' });
      // Not under way any more: it was made just now, or never will be. The next look tells.
      mayCome = pending.some((fire) => fire.taskId === taskId);
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
};
