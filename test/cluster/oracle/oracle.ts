// What must be true when all is over, told from what was sent and what can be read. Shares no code
// with the server.

import type { Events, Task } from './events.ts';
import { judgeCalls } from './judge-calls.ts';
import { judgeMessages } from './judge-messages.ts';
import { judgeSchedules } from './judge-schedules.ts';

/** A row of the ledger of kind "fire". */
export type Row = {
  readonly hookId: string;
  readonly firedBy: string;
  readonly outcome: string;
  readonly taskId: string | null;
  readonly cause: string;
  /** In ms. */
  readonly arrived: number;
  readonly error: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: of each outcome something else.
  readonly detail: any;
};

export type Evidence = {
  readonly events: Events;
  readonly tasks: readonly Task[];
  readonly ledger: readonly Row[];
  /** Whether what the service says of its hooks was listened to. */
  readonly tells: boolean;
};

/** Empty when all promises were kept. */
export const judge = (evidence: Evidence): string[] => [
  ...judgeTasks(evidence),
  ...judgeLedger(evidence),
  ...judgeCalls(evidence),
  ...judgeMessages(evidence),
  ...judgeSchedules(evidence),
  ...judgeChanges(evidence),
];

/** Each task has an event, the scopes of its hook and no more, and says what its event said. */
const judgeTasks = ({ events, tasks }: Evidence): string[] => {
  const problems: string[] = [];
  const payloads = new Map<string, unknown>();
  for (const { hookId, payload } of events.calls) payloads.set(keyOf(hookId, payload.mark), payload);
  for (const { hookIds, payload } of events.messages) {
    for (const hookId of hookIds) payloads.set(keyOf(hookId, payload.mark), payload);
  }
  for (const { taskId, definition, scopes } of tasks) {
    const { hookId, by, id, said, list } = definition.payload;
    const wanted = `assume:hook-id:chaos/${hookId}`;
    for (const given of scopes ?? []) {
      if (given.length !== 1 || given[0] !== wanted)
        problems.push(`the task ${taskId} of ${hookId} was asked for with ${given}`);
    }
    if (id !== taskId || definition.taskGroupId !== taskId)
      problems.push(`the template of the task ${taskId} knew another taskId`);
    if (by === 'schedule') continue; // judgeSchedules knows them
    const payload = payloads.get(keyOf(hookId, said?.mark));
    if (payload === undefined) problems.push(`nobody sent what made the task ${taskId} of ${hookId}: ${said?.mark}`);
    else if (!sameJson(payload, said))
      problems.push(`the task of ${said.mark} says something else: ${JSON.stringify(said)}`);
    else if (!sameJson(said.list, list)) problems.push(`the task of ${said.mark} has another list`);
  }
  return problems;
};

const GOOD_ENDS = new Set(['created', 'declined', 'rejected', 'missed']);

/** Each task has one row, and each row that says so a task. */
const judgeLedger = ({ tasks, ledger }: Evidence): string[] => {
  const problems: string[] = [];
  const created = Map.groupBy(
    ledger.filter(({ outcome }) => outcome === 'created'),
    ({ taskId }) => taskId ?? '',
  );
  for (const { taskId, definition } of tasks) {
    const rows = created.get(taskId) ?? [];
    const { hookId } = definition.payload;
    if (rows.length !== 1) problems.push(`the task ${taskId} of ${hookId} has ${rows.length} rows in the ledger`);
    else if (rows[0]?.hookId !== hookId)
      problems.push(`the ledger has the task ${taskId} of ${hookId} as of ${rows[0]?.hookId}`);
    created.delete(taskId);
  }
  for (const [taskId, rows] of created)
    problems.push(`the ledger has ${rows[0]?.hookId} with the task ${taskId}, which is none`);
  for (const { outcome, hookId, cause, error } of ledger) {
    if (!GOOD_ENDS.has(outcome))
      problems.push(`the fire ${cause} of ${hookId} has ${outcome}: ${JSON.stringify(error)}`);
  }
  return problems;
};

/** Of each change that was answered the service has told, and of none that nobody asked for. */
const judgeChanges = ({ events: { changes, told }, tells }: Evidence): string[] => {
  if (!tells) return [];
  const problems: string[] = [];
  const heard = new Set(told.map(({ hookId, action }) => `${hookId} ${action}`));
  for (const { hookId, action, answered } of changes) {
    if (answered > 0 && !heard.delete(`${hookId} ${action}`))
      problems.push(`nobody was told that ${hookId} was ${action}`);
    if (answered === 0) heard.delete(`${hookId} ${action}`);
  }
  for (const one of heard) problems.push(`it was told that ${one}, and nobody did that`);
  return problems;
};

export const keyOf = (hookId: string, mark: string): string => `${hookId} ${mark}`;

/** hook and mark → its tasks. Those of schedules are left out. */
export const tasksByMark = (tasks: readonly Task[]): Map<string, Task[]> =>
  Map.groupBy(
    tasks.filter(({ definition }) => definition.payload.by !== 'schedule'),
    ({ definition: { payload } }) => keyOf(payload.hookId, payload.said?.mark),
  );

/** Whatever the order of keys. */
const sameJson = (left: unknown, right: unknown): boolean => sorted(left) === sorted(right);

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
