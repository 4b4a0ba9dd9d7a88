// `hookwright hooks trigger`: fires a hook, and can wait for what becomes of the task.
import type { Queue } from '#client';
import type { Call, Run } from './command.ts';
import { EXIT_STATUS } from './exit-status.ts';
import { hookOf } from './hook-name.ts';
import { readPayload } from './payload.ts';

const LOOK_EVERY_MS = 500;
const RESOLVED = ['completed', 'failed', 'exception'];

export const triggerHook: Run = async (call) => {
  const name = hookOf(call);
  const payload = await readPayload(call);
  const { hooks, queue } = await call.connect();
  const answer = await hooks.triggerHook(...name, payload);
  const { taskId } = answer;
  if (taskId === undefined) {
    call.output.answer(answer, () => 'The template rendered to nothing: no task was made.');
    return EXIT_STATUS.done;
  }
  if (!call.has('wait')) {
    call.output.answer(answer, () => `Made the task ${taskId}.`);
    return EXIT_STATUS.done;
  }
  call.output.remark(`Made the task ${taskId}. Waiting until it is resolved; Ctrl-C ends the waiting, not the task.`);
  const state = await resolved(call, queue, taskId);
  call.output.answer({ ...answer, state }, () => `The task ${taskId} is ${state}.`);
  return state === 'completed' ? EXIT_STATUS.done : EXIT_STATUS.failed;
};

const resolved = async ({ clock }: Call, queue: Queue, taskId: string): Promise<string> => {
  for (;;) {
    const { status } = await queue.status(taskId);
    if (RESOLVED.includes(status.state)) return status.state;
    await clock.sleep(LOOK_EVERY_MS);
  }
};
