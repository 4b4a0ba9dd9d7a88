// The oracle of the cluster test, tested: a small run in which all went well, and what it finds
// when something in it is lost, doubled or changed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Call, Message, Payload, Task } from './events.ts';
import { type Evidence, judge, type Row } from './oracle.ts';

const NOON = Date.UTC(2026, 10, 20, 12);
const SECOND = 1_000;
const iso = (ms: number) => new Date(ms).toISOString();

const payload = (mark: string, more: Partial<Payload> = {}): Payload => ({ mark, kind: 'fits', list: [1, 2], ...more });
const call = (sent: Payload, more: Partial<Call> = {}): Call => ({
  ...{ hookId: 'calls', door: 'call', manner: 'plain', payload: sent },
  ...{ requests: 1, acknowledged: [], declined: 0, refused: 0, strange: [] },
  ...more,
});
const message = (sent: Payload, more: Partial<Message> = {}): Message => ({
  ...{
    hookIds: ['messages'],
    routingKey: 'some.thing',
    payload: sent,
    messageId: undefined,
    published: 1,
    confirmed: 1,
  },
  ...more,
});
const task = (taskId: string, hookId: string, said: Payload | undefined, at = NOON): Task => {
  const by = said ? { by: 'pulseMessage', said, list: said.list } : { by: 'schedule', at: iso(at) };
  const definition = { taskGroupId: taskId, created: iso(at), payload: { hookId, id: taskId, ...by } };
  return { taskId, definition, scopes: [[`assume:hook-id:chaos/${hookId}`]] };
};
const row = (hookId: string, firedBy: string, taskId: string | null, more: Partial<Row> = {}): Row => ({
  ...{
    hookId,
    firedBy,
    taskId,
    outcome: 'created',
    cause: `${firedBy}:${taskId}`,
    arrived: NOON,
    error: null,
    detail: null,
  },
  ...more,
});
const tick = (second: number, taskId: string): { task: Task; row: Row } => {
  const at = NOON + second * SECOND;
  return { task: task(taskId, 'ticks', undefined, at), row: row('ticks', 'schedule', taskId, { arrived: at }) };
};
const rejected = (detail: object) => row('messages', 'pulseMessage', null, { outcome: 'rejected', detail });

const chosen = payload('call 1', { taskId: 'A' });
const twice = payload('call 2');
const declining = payload('call 3', { taskId: 'C', kind: 'declines' });
const misfit = payload('call 4', { taskId: 'D', kind: 'misfits' });
const equal = payload('message 1');
const known = payload('message 2');
const wrong = payload('message 3', { kind: 'misfits' });
const ticks = [tick(1, 'S1'), tick(4, 'S4'), tick(5, 'S5')];

const good = (): Evidence => ({
  tells: true,
  events: {
    calls: [
      call(chosen, { manner: 'patient', requests: 3, acknowledged: ['A', 'A'] }),
      // Of two requests the first was never answered; both may have made a task, and did.
      call(twice, { manner: 'insistent', door: 'webhook', requests: 2, acknowledged: ['B'] }),
      call(declining, { manner: 'patient', declined: 1 }),
      call(misfit, { manner: 'once', refused: 1 }),
      call(payload('call 5')), // nobody knows
    ],
    messages: [
      message(equal, { published: 2, confirmed: 2 }),
      message(known, { messageId: 'm', published: 3, confirmed: 2 }),
      message(wrong, { published: 7, confirmed: 7 }),
      message(payload('message 4'), { confirmed: 0 }),
    ],
    schedules: [
      {
        hookId: 'ticks',
        begun: { from: NOON + 400, to: NOON + 600 },
        ended: { from: NOON + 5_100, to: NOON + 5_200 },
      },
    ],
    changes: [
      { hookId: 'calls', action: 'created', requests: 1, answered: 1 },
      { hookId: 'ticks', action: 'updated', requests: 2, answered: 0 },
    ],
    told: [
      { hookId: 'calls', action: 'created' },
      { hookId: 'calls', action: 'created' },
      { hookId: 'ticks', action: 'updated' },
    ],
  },
  tasks: [
    task('A', 'calls', chosen),
    task('B', 'calls', twice),
    task('B2', 'calls', twice),
    task('M1', 'messages', equal),
    task('M2', 'messages', equal),
    task('M3', 'messages', known),
    ...ticks.map((one) => one.task),
  ],
  ledger: [
    row('calls', 'triggerHook', 'A'),
    row('calls', 'triggerHookWithToken', 'B'),
    row('calls', 'triggerHookWithToken', 'B2'),
    row('calls', 'triggerHook', 'C', { outcome: 'declined' }),
    row('calls', 'triggerHook', 'D', { outcome: 'rejected' }),
    ...['M1', 'M2', 'M3'].map((taskId) => row('messages', 'pulseMessage', taskId)),
    rejected({ message: JSON.stringify(wrong) }),
    rejected({ message: JSON.stringify(wrong) }),
    rejected({ count: 5, sample: JSON.stringify(wrong) }),
    ...ticks.map((one) => one.row),
    row('ticks', 'schedule', null, {
      outcome: 'missed',
      arrived: NOON + 2 * SECOND,
      detail: { first: iso(NOON + 2 * SECOND), last: iso(NOON + 3 * SECOND), count: 2 },
    }),
  ],
});

type Harm = (evidence: { -readonly [Name in keyof Evidence]: Evidence[Name] }) => void;

const loseTask =
  (taskId: string): Harm =>
  (evidence) => {
    evidence.tasks = evidence.tasks.filter((one) => one.taskId !== taskId);
    evidence.ledger = evidence.ledger.filter((one) => one.taskId !== taskId);
  };
const addTask =
  (hookId: string, said: Payload): Harm =>
  (evidence) => {
    evidence.tasks = [...evidence.tasks, task('X', hookId, said)];
    evidence.ledger = [...evidence.ledger, row(hookId, 'triggerHook', 'X')];
  };
const changeTask =
  (taskId: string, how: (one: Task) => Task): Harm =>
  (evidence) => {
    evidence.tasks = evidence.tasks.map((one) => (one.taskId === taskId ? how(one) : one));
  };
const changeRows =
  (how: (rows: readonly Row[]) => readonly Row[]): Harm =>
  (evidence) => {
    evidence.ledger = how(evidence.ledger);
  };
const loseRow = (lost: (one: Row) => boolean) => changeRows((rows) => rows.filter((one) => !lost(one)));

const HARMS: readonly (readonly [what: string, harm: Harm, found: RegExp])[] = [
  [
    'the task of an acknowledged call is lost',
    loseTask('A'),
    /call 1 .*acknowledged with A, and its task is not there/,
  ],
  [
    'the task of an answered webhook is lost',
    loseTask('B'),
    /webhook call 2 .*acknowledged with B, and its task is B2/,
  ],
  ['a call makes two tasks', addTask('calls', chosen), /call 1 .*made 2 tasks of 3 requests/],
  ['two requests make three tasks', addTask('calls', twice), /call 2 .*made 3 tasks of 2 requests/],
  ['a declined call makes a task', addTask('calls', declining), /call 3 .*made the task X/],
  ['one of two equal messages is lost', loseTask('M2'), /message 1 made 1 tasks of messages, and not 2/],
  ['a message makes two tasks', addTask('messages', known), /message 2 made 2 tasks of messages, and not 1/],
  ['a task is of nobody', addTask('calls', payload('call 9')), /nobody sent what made the task X/],
  [
    'a task says something else',
    changeTask('M3', (one) => task(one.taskId, 'messages', { ...known, text: 'other' })),
    /the task of message 2 says something else/,
  ],
  [
    'a task is asked for with more scopes',
    changeTask('A', (one) => ({ ...one, scopes: [['assume:hook-id:chaos/calls', 'more']] })),
    /the task A of calls was asked for with/,
  ],
  ['a task has no row', loseRow(({ taskId }) => taskId === 'M1'), /the task M1 of messages has 0 rows/],
  [
    'a task has two rows',
    changeRows((rows) => rows.flatMap((one) => (one.taskId === 'M1' ? [one, one] : [one]))),
    /the task M1 of messages has 2 rows/,
  ],
  [
    'a row tells of a task that is none',
    changeRows((rows) => [...rows, row('calls', 'triggerHook', 'Y')]),
    /the task Y, which is none/,
  ],
  [
    'a fire failed',
    changeRows((rows) => [...rows, row('calls', 'triggerHook', 'Y', { outcome: 'failed', error: 'why' })]),
    /has failed: "why"/,
  ],
  [
    'the reason of a declined call is lost',
    loseRow(({ taskId }) => taskId === 'C'),
    /call 3 .*has 0 rows in the ledger/,
  ],
  [
    'the reason of a refused call is lost',
    loseRow(({ taskId }) => taskId === 'D'),
    /call 4 .*has 0 rows in the ledger/,
  ],
  [
    'rejected messages are counted wrong',
    loseRow(({ detail }) => detail?.count === 5),
    /2 messages of messages were rejected, and not 7/,
  ],
  [
    'a rejected message has more rows than it was sent',
    changeRows((rows) => [...rows, ...Array.from({ length: 8 }, () => rejected({ message: JSON.stringify(wrong) }))]),
    /the ledger has 10 rows of message 3, and not 7 at most/,
  ],
  ['a second is lost', loseTask('S4'), /ticks: \S+12:00:04.000Z to \S+12:00:04.000Z is lost/],
  ['the last second is lost', loseTask('S5'), /ticks: the last second is \S+12:00:04.000Z/],
  ['the first second is lost', loseTask('S1'), /ticks: the first second is \S+12:00:02.000Z/],
  [
    'a second comes twice',
    changeRows((rows) => [...rows, { ...tick(3, 'S1').row, outcome: 'declined', taskId: null }]),
    /ticks: \S+12:00:03.000Z is there twice/,
  ],
  [
    'missed seconds are counted wrong',
    changeRows((rows) =>
      rows.map((one) => (one.outcome === 'missed' ? { ...one, detail: { ...one.detail, count: 3 } } : one)),
    ),
    /it counts 3/,
  ],
  [
    'a scheduled task says another time',
    changeTask('S4', () => tick(3, 'S4').task),
    /the task S4 of \S+12:00:04.000Z says/,
  ],
  [
    'nobody is told of a change',
    ({ events }) => void events.told.splice(0, 2),
    /nobody was told that calls was created/,
  ],
  [
    'what nobody did is told',
    ({ events }) => void events.told.push({ hookId: 'calls', action: 'deleted' }),
    /it was told that calls deleted, and nobody did that/,
  ],
  [
    'a patient caller is never answered',
    ({ events }) => void events.calls.push(call(payload('call 6', { taskId: 'E' }), { manner: 'patient' })),
    /call 6 .*was never answered/,
  ],
];

describe('the oracle of the cluster test', () => {
  it('finds nothing where all went well', () => {
    assert.deepEqual(judge(good()), []);
  });
  for (const [what, harm, found] of HARMS) {
    it(`notices when ${what}`, () => {
      const evidence = good();
      harm(evidence);
      const problems = judge(evidence);
      assert.ok(
        problems.some((problem) => found.test(problem)),
        `${found} in ${JSON.stringify(problems, null, 1)}`,
      );
    });
  }
});
