// Calls and webhooks: each answer is true, each accepted event has one task or one reason. Requests
// are counted, not calls.
import type { Call } from './events.ts';
import { type Evidence, keyOf, tasksByMark } from './oracle.ts';

export const judgeCalls = ({ events: { calls }, tasks, ledger }: Evidence): string[] => {
  const made = tasksByMark(tasks);
  const unfired = Map.groupBy(
    ledger.filter(({ outcome, firedBy }) => /^triggerHook/.test(firedBy) && outcome !== 'created'),
    ({ hookId, taskId }) => keyOf(hookId, taskId ?? ''),
  );
  return calls.flatMap((one) => {
    const { hookId, payload } = one;
    const own = (made.get(keyOf(hookId, payload.mark)) ?? []).map(({ taskId }) => taskId);
    const reasons = (unfired.get(keyOf(hookId, payload.taskId ?? '')) ?? []).map(({ outcome }) => outcome);
    return [
      ...judgeAnswers(one),
      ...(payload.kind === 'fits' ? judgeFired(one, own) : judgeUnfired(one, own, reasons)),
    ].map((problem) => `the ${one.manner} ${one.door} ${payload.mark} of ${hookId} ${problem}`);
  });
};

const judgeAnswers = ({ manner, payload, strange, acknowledged, declined, refused }: Call): string[] => {
  const problems = strange.map((answer) => `was answered: ${answer}`);
  const answers = acknowledged.length + declined + refused + strange.length;
  if ((manner === 'patient' || manner === 'insistent') && answers === 0) problems.push('was never answered');
  if (payload.kind !== 'declines' && declined > 0) problems.push('was declined');
  if (payload.kind !== 'fits' && acknowledged.length > 0) problems.push(`was acknowledged with ${acknowledged}`);
  return problems;
};

const judgeFired = ({ payload, acknowledged, requests }: Call, tasks: readonly string[]): string[] => {
  const problems: string[] = [];
  const most = payload.taskId === undefined ? requests : Math.min(requests, 1);
  if (tasks.length > most) problems.push(`made ${tasks.length} tasks of ${requests} requests: ${tasks.join(', ')}`);
  for (const taskId of acknowledged) {
    if (!tasks.includes(taskId))
      problems.push(`was acknowledged with ${taskId}, and its task is ${tasks[0] ?? 'not there'}`);
  }
  const other = tasks.find((taskId) => payload.taskId !== undefined && taskId !== payload.taskId);
  if (other !== undefined) problems.push(`chose ${payload.taskId} and made ${other}`);
  if (payload.taskId === undefined && new Set(acknowledged).size !== acknowledged.length) {
    problems.push(`was acknowledged twice with one task: ${acknowledged}`);
  }
  return problems;
};

/**
 * Every request that was answered has left its reason. One of which the answer was lost may have.
 */
const judgeUnfired = (call: Call, tasks: readonly string[], reasons: readonly string[]): string[] => {
  const { payload, declined, refused, requests } = call;
  const expected = payload.kind === 'declines' ? 'declined' : 'rejected';
  const problems = tasks.map((taskId) => `made the task ${taskId}`);
  for (const reason of reasons) if (reason !== expected) problems.push(`has the outcome ${reason}`);
  const answered = declined + refused;
  if (reasons.length < answered || reasons.length > requests) {
    problems.push(`has ${reasons.length} rows in the ledger; it was answered ${answered} times, and asked ${requests}`);
  }
  return problems;
};
