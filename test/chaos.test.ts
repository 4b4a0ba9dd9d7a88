// A server that is killed with SIGKILL at random moments under load. As often as you like: npm run
// chaos -- --kills 200
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { runChaos } from './chaos/run-chaos.ts';
import { roundsOf } from './support/test-length.ts';
import { lastFirst } from './support/wait.ts';

const KILLS = roundsOf(15);
const onLinux = { skip: process.platform !== 'linux' && 'it finds what to kill in /proc' };

test(
  'kills at random moments lose no acknowledged trigger, and no trigger makes two tasks or a task of two definitions',
  onLinux,
  async (t) => {
    const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32));
    t.diagnostic(`to repeat: npm run chaos -- --kills ${KILLS} --seed ${seed} --callers 8`);
    const lines: string[] = [];
    const tell = (line: string) => lines.push(line);
    const report = await runChaos(lastFirst(t), { kills: KILLS, seed, callers: 8, tell });
    const { problems, ...figures } = report;
    t.diagnostic(JSON.stringify(figures));
    assert.deepEqual(problems, [], lines.join('\n'));
    // A run in which nothing was under way when the server died proves nothing.
    assert.ok(report.acknowledged > 10 * KILLS, 'there was load');
    assert.ok(report.askedAgain > 0, 'some triggers broke off and were asked again');
  },
);

test('the oracle of this test finds what is lost, doubled or changed', onLinux, async (t) => {
  const sabotage = async (connection: pg.ClientConfig) => {
    const client = new pg.Client(connection);
    await client.connect();
    const run = async (sql: string) => assert.ok(((await client.query(sql)).rowCount ?? 0) > 0, sql);
    const nth = (n: number) => `(select task_id from tasks order by task_id limit 1 offset ${n})`;
    await run(`delete from tasks where task_id = ${nth(0)}`);
    await run(`delete from ledger where task_id = ${nth(1)}`);
    await run(`insert into ledger select * from ledger where task_id = ${nth(2)}`);
    await run(`delete from payloads using ledger where ledger.task_id = ${nth(5)} and payloads.cause = ledger.cause`);
    await run(
      `update tasks set definition = replace(definition::text, 'proj/worker', 'proj/other')::json where task_id = ${nth(3)}`,
    );
    await run(`insert into tasks (task_id, definition, retries_left, runs, created, deadline, expires, task_queue_id, task_group_id,
                 scheduler_id, priority, due)
               select replace(task_id, left(task_id, 1), '_'), definition, retries_left, runs, created, deadline, expires, task_queue_id,
                 task_group_id, scheduler_id, priority, due
               from tasks where task_id = ${nth(4)}`);
    await client.end();
  };
  const { problems } = await runChaos(lastFirst(t), { kills: 0, seed: 1, callers: 4, tell: () => {}, sabotage });
  for (const found of [
    /was acknowledged with \S+, and its task is not there/,
    /has 0 rows of kind "fire" in the ledger/,
    /has 2 rows of kind "fire" in the ledger/,
    /changed after the acknowledgement/,
    /made 2 tasks/,
    /is 2 times among the last fires/,
    /1 rows, and 0 payloads kept/,
  ]) {
    assert.ok(
      problems.some((problem) => found.test(problem)),
      `${found} in ${problems.join('\n')}`,
    );
  }
});
