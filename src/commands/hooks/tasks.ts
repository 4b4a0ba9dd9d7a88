// `hookwright tasks`: what the hooks made.
import type { Call, Run } from '../cli/command.ts';
import { requireCount, requireSlugId } from '../cli/input/require-id.ts';
import { pairs, table } from '../cli/table.ts';

const taskOf = (call: Call): string => requireSlugId('TASK', call.argument('TASK'));

const show: Run = async (call) => {
  const { queue } = await call.connect();
  const task = await queue.task(taskOf(call));
  const { asYaml } = await import('../cli/input/read-document.ts');
  call.output.answer(task, () => asYaml(task));
  return 0;
};

const status: Run = async (call) => {
  const { queue } = await call.connect();
  const { status } = await queue.status(taskOf(call));
  call.output.answer(status, (paint) => {
    const about = pairs(
      [
        ['task', status.taskId],
        ['state', status.state],
        ['group', status.taskGroupId],
        ['queue', status.taskQueueId],
        ['priority', status.priority],
        ['retries left', String(status.retriesLeft)],
        ['deadline', status.deadline],
        ['expires', status.expires],
      ],
      paint,
    );
    const runs = status.runs.map((run) => [
      String(run.runId),
      run.state,
      run.reasonResolved ?? run.reasonCreated,
      run.started ?? run.scheduled,
      run.resolved,
      run.workerId,
    ]);
    const heading = ['RUN', 'STATE', 'REASON', 'STARTED', 'RESOLVED', 'WORKER'];
    return `${about}\n${table(heading, runs, { paint, empty: 'It has no runs yet.' })}`;
  });
  return 0;
};

const list: Run = async (call) => {
  const group = requireSlugId('TASK-GROUP', call.argument('TASK-GROUP'));
  const limitText = call.text('limit');
  const limit = limitText === undefined ? Number.POSITIVE_INFINITY : requireCount('limit', limitText);
  const { queue } = await call.connect();
  const tasks: Awaited<ReturnType<typeof queue.listTaskGroup>>['tasks'] = [];
  let continuationToken: string | undefined;
  do {
    const page = await queue.listTaskGroup(group, continuationToken === undefined ? {} : { continuationToken });
    tasks.push(...page.tasks);
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined && tasks.length < limit);
  const shown = tasks.slice(0, limit);
  call.output.answer(shown, (paint) =>
    table(
      ['TASK', 'STATE', 'QUEUE', 'RUNS', 'NAME'],
      shown.map(({ status, task }) => [
        status.taskId,
        status.state,
        status.taskQueueId,
        String(status.runs.length),
        nameOf(task),
      ]),
      { paint, empty: 'There are no tasks.' },
    ),
  );
  return 0;
};

const nameOf = (task: unknown): string | undefined => (task as { metadata?: { name?: string } }).metadata?.name;

const cancel: Run = async (call) => {
  const { queue } = await call.connect();
  const { status } = await queue.cancelTask(taskOf(call));
  // A task that was resolved before is not changed, and answers how it ended.
  const isCanceled = status.runs.at(-1)?.reasonResolved === 'canceled';
  call.output.answer(status, () =>
    isCanceled ? `Canceled the task ${status.taskId}.` : `The task ${status.taskId} was ${status.state} already.`,
  );
  return 0;
};

export const tasks = { show, status, list, cancel } as const satisfies Record<string, Run>;
