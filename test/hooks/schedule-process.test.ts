// A hook that fires each second, in a server that is killed at random moments: no second may be
// lost, and none may come twice.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { countUnfinished } from '../chaos/oracle.ts';
import { createRandom } from '../chaos/random.ts';
import { createVictim, KILLS, type Victim } from '../chaos/victim.ts';
import { ECHO_SCOPES, echoHook, rootClients } from '../support/client.ts';
import { send } from '../support/request.ts';
import { newDataFolder } from '../support/server.ts';
import { REPEAT_LENGTH, roundsOf } from '../support/test-length.ts';
import { eventually, lastFirst } from '../support/wait.ts';

const SECOND = 1_000;
const LIVES = roundsOf(8);
/**
 * A kill comes so long after a fire at most, so that it meets a turn, an attempt, or the time
 * between.
 */
const LONGEST_MOMENT_MS = 1_000;
/** What a dead server left is leased to it for 15 s. */
const FINISHED_WITHIN_MS = 40_000;
/** Several pages of it. */
const PAGE = 7;

type FireRecord = {
  readonly kind: string;
  readonly outcome?: string;
  readonly firedBy: string;
  readonly taskId?: string;
  readonly arrived: string;
  readonly detail?: { readonly first: string; readonly last: string; readonly count: number };
};

const listFires = async (victim: Victim, limit: number, most = Number.POSITIVE_INFINITY): Promise<FireRecord[]> => {
  const records: FireRecord[] = [];
  let token = '';
  do {
    const query = new URLSearchParams({ limit: String(limit), ...(token !== '' && { continuationToken: token }) });
    const path = `/api/hooks/v1/hooks/g/h/fires?${query}`;
    const { status, text, json } = await send(victim.address() ?? '', path, { credentials: victim.credentials() });
    assert.equal(status, 200, text);
    records.push(...json.fires);
    token = json.continuationToken ?? '';
  } while (token !== '' && records.length < most);
  return records;
};

/** The seconds that a record tells of: the first, the last, how many. */
const coverOf = ({ outcome, arrived, detail }: FireRecord) =>
  outcome === 'missed' && detail
    ? { first: Date.parse(detail.first), last: Date.parse(detail.last), count: detail.count }
    : { first: Date.parse(arrived), last: Date.parse(arrived), count: 1 };

it('a server that is killed again and again lets each second of a hook fire once, or says that it was missed', async (t) => {
  const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32));
  t.diagnostic(
    `to repeat the same kills (their moments are the machine's affair too): ${REPEAT_LENGTH} CHAOS_SEED=${seed}`,
  );
  const cleanup = lastFirst(t);
  const random = createRandom(seed);
  const victim = createVictim(cleanup, await newDataFolder(cleanup), random);
  await victim.start();
  const { hooks, auth } = rootClients(victim.credentials());
  await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
  const { task } = echoHook();
  const definition = echoHook({ task: { ...task, payload: { at: { $eval: 'now' } } }, schedule: ['* * * * * *'] });
  const earliest = Date.now();
  await hooks.createHook('g', 'h', definition);
  const latest = Date.now();

  let newest = '';
  for (let life = 1; life <= LIVES; life += 1) {
    newest = await eventually('it fires', async () => {
      const [record] = await listFires(victim, 1, 1);
      return record && record.taskId !== undefined && record.taskId !== newest && record.taskId;
    });
    await sleep(random.between(0, LONGEST_MOMENT_MS));
    await victim.kill(life <= KILLS.length ? (KILLS[life - 1] ?? 'server') : 'server');
    await victim.start();
  }
  await eventually('it fires after the last start', async () => (await listFires(victim, 1, 1))[0]?.taskId !== newest);
  const ended = Date.now();
  const again = rootClients({ ...victim.credentials(), rootUrl: victim.address() ?? '' });
  await again.hooks.updateHook('g', 'h', { ...definition, schedule: [] });
  const connection = await victim.connection();
  await eventually('no fire is unfinished', async () => (await countUnfinished(connection)) === 0, FINISHED_WITHIN_MS);

  const records = (await listFires(victim, PAGE)).filter(({ kind }) => kind === 'fire');
  assert.ok(records.every(({ firedBy }) => firedBy === 'schedule'));
  const outcomes = Map.groupBy(records, ({ outcome }) => outcome);
  assert.deepEqual(
    [...outcomes.keys()].filter((outcome) => outcome !== 'created' && outcome !== 'missed'),
    [],
  );
  const covers = records.map(coverOf).toSorted((a, b) => a.first - b.first);
  const first = covers[0]?.first ?? 0;
  assert.ok(
    first > earliest && first <= latest + SECOND,
    `it began at ${first}, made between ${earliest} and ${latest}`,
  );
  let next = first;
  for (const cover of covers) {
    assert.equal(cover.first, next, `${new Date(next).toISOString()} is lost or came twice`);
    assert.equal(cover.count, (cover.last - cover.first) / SECOND + 1);
    next = cover.last + SECOND;
  }
  assert.ok(next > ended - SECOND, `it ended at ${next}, and not after ${ended}`);
  const created = outcomes.get('created') ?? [];
  for (const { taskId, arrived } of created) {
    const { payload, created: made } = await again.queue.task(taskId);
    assert.equal(made, arrived, 'the task says when it was due');
    assert.equal(payload.at, arrived);
  }
  assert.equal(new Set(created.map(({ taskId }) => taskId)).size, created.length);
  t.diagnostic(
    `${created.length} fires, ${outcomes.get('missed')?.length ?? 0} rows of missed seconds, ${LIVES} kills`,
  );
  assert.ok(created.length > LIVES);
});
