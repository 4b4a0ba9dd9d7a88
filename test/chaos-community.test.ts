// A server with a community that is killed with SIGKILL at random moments under load. As often as
// you like: npm run chaos -- --community --kills 200
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withClient } from './chaos/community/oracle.ts';
import { runCommunityChaos } from './chaos/community/run-community.ts';
import { roundsOf } from './support/test-length.ts';
import { lastFirst } from './support/wait.ts';

const KILLS = roundsOf(15);
const onLinux = { skip: process.platform !== 'linux' && 'it finds what to kill in /proc' };

test(
  'a turn is atomic under kills at random moments: no acknowledged post, state or effect is lost, torn or done twice',
  onLinux,
  async (t) => {
    const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32));
    t.diagnostic(`to repeat: npm run chaos -- --community --kills ${KILLS} --seed ${seed} --callers 8`);
    const lines: string[] = [];
    const tell = (line: string) => lines.push(line);
    const { problems, ...figures } = await runCommunityChaos(lastFirst(t), { kills: KILLS, seed, users: 8, tell });
    t.diagnostic(JSON.stringify(figures));
    assert.deepEqual(problems, [], lines.join('\n'));
    // A run in which nothing was under way when the server died proves nothing.
    assert.ok(figures.done > 5 * KILLS, 'there was load');
    assert.ok(figures.unknown > 0 && figures.denied > 0 && figures.ticks > 0, JSON.stringify(figures));
  },
);

test('the oracle of this test finds what is lost, doubled or changed', onLinux, async (t) => {
  const sabotage = (connection: Parameters<typeof withClient>[0]) =>
    withClient(connection, async (query) => {
      const users = `select nest, id from posts where author <> '~zod' and doc is not null and doc::text ~ '"m[0-9x]+"' order by id`;
      const echoes = `select nest, id from posts where author = '~zod' and doc::text like '%echo m%' order by id`;
      const nth = (list: string, n: number) => `(nest, id) = (select * from (${list} limit 1 offset ${n}) one)`;
      const copy = (list: string, n: number) =>
        `insert into posts (nest, seq, id, author, doc) select nest, seq + 1000, id + 1, author, doc from posts where ${nth(list, n)}`;
      const counts = `hook = (select id from script_hooks where name = 'counts')`;
      await query(`delete from posts where ${nth(users, 0)}`);
      await query(copy(users, 0));
      await query(`delete from posts where ${nth(echoes, 0)}`);
      await query(copy(echoes, 0));
      await query(`update script_states set state = ((state::jsonb - 2) || '["m9x9"]')::json where ${counts}`);
      await query(`delete from script_runs where id = (select max(r.id) from script_runs r join script_hooks h on h.id = r.hook
        where h.name = 'ticks')`);
    });
  const { problems } = await runCommunityChaos(lastFirst(t), { kills: 0, seed: 1, users: 4, tell: () => {}, sabotage });
  for (const found of [
    /was acknowledged and is not there/,
    /is there 2 times/,
    /echo m\S+" was done 0 times/,
    /echo m\S+" was done 2 times/,
    /the state lacks m/,
    /which is not there/,
    /the ledger has/,
  ]) {
    assert.ok(
      problems.some((problem) => found.test(problem)),
      `${found} in ${problems.join('\n')}`,
    );
  }
});
