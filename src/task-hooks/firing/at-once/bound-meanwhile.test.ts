// Bindings come and go while three processes fire: whoever is bound misses nothing of what began
// after the commit of the binding.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createRandom } from '../../../../test/chaos/random.ts';
import { freshConnection } from '../../../../test/support/database.ts';
import { roundsOf } from '../../../../test/support/test-length.ts';
import { systemClock } from '../../../core/clock.ts';
import { newSlugId } from '../../../core/ids.ts';
import { silentLog } from '../../../core/log.ts';
import { openDatabase } from '../../../database/connection.ts';
import { statement } from '../../../database/statement.ts';
import { createFiringProcess, createHook } from '../test-support/process.ts';

const CHILD = fileURLToPath(new URL('../test-support/firing-child.ts', import.meta.url));
const PROCESSES = 3;
const UNDER_WAY = 12;
const FIRES = roundsOf(10_000);
/** On average a binding is made or removed after so many fires. */
const FIRES_PER_CHANGE = 40;
const EXCHANGES = ['task-defined', 'task-pending'].map((name) => `exchange/taskcluster-queue/v1/${name}`);

const listMessages = statement<{ exchange: string; routing_key: string }>(
  'test.bound-meanwhile-messages',
  'select exchange, routing_key from outbox',
);

type Begun = { readonly taskId: string; readonly outcome: string };

it('a binding made while three processes fire misses nothing that began after its commit', async (t) => {
  const { begin, database, broker } = await start(t);
  const seed = Number(process.env.CHAOS_SEED ?? Date.now());
  t.diagnostic(`to repeat: CHAOS_SEED=${seed}`);
  const random = createRandom(seed);

  /** Exchanges that are bound, by all that anybody can know, and by which change. */
  const bound = new Map<string, number>();
  /** Messages that have to be there: exchange and taskId. */
  const owed = new Set<string>();
  let [begun, changes, isOver] = [0, 0, false];

  const fire = async () => {
    while (begun < FIRES) {
      begun += 1;
      const taskId = newSlugId();
      const before = new Map(bound);
      const { outcome } = await begin(taskId, random.between(0, PROCESSES - 1));
      assert.equal(outcome, 'created');
      // What was bound from before it began until it had is told of it.
      for (const [exchange, by] of before) if (bound.get(exchange) === by) owed.add(`${exchange} ${taskId}`);
    }
  };

  const change = async () => {
    for (let at = 0; !isOver; at = begun) {
      const until = at + random.between(1, 2 * FIRES_PER_CHANGE);
      while (begun < until && !isOver) await new Promise(setImmediate);
      const wanted = EXCHANGES.filter(() => random.isTrue(0.4));
      for (const exchange of EXCHANGES) bound.delete(exchange);
      await database.transaction((tx) => broker.setBindings(tx, { id: 'q', name: 'q' }, []));
      const bindings = wanted.map((exchange) => ({ exchange, routingKeyPattern: '#' }));
      await database.transaction((tx) => broker.setBindings(tx, { id: 'q', name: 'q' }, bindings));
      changes += 1;
      for (const exchange of wanted) bound.set(exchange, changes);
    }
  };

  const changing = change();
  await Promise.all(Array.from({ length: PROCESSES * UNDER_WAY }, fire)).finally(() => {
    isOver = true;
  });
  await changing;

  const told = (await database.query(listMessages)).map(
    ({ exchange, routing_key }) => `${exchange} ${routing_key.split('.')[1]}`,
  );
  const known = new Set(told);
  assert.deepEqual(
    [...owed].filter((one) => !known.has(one)),
    [],
  );
  assert.equal(known.size, told.length, 'none was published twice');
  assert.ok(owed.size > FIRES / 10, `${owed.size} are owed`);
  assert.ok(told.length < 2 * FIRES, 'some were published while nobody was bound');
});

const start = async (t: TestContext) => {
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  const connection = await freshConnection(t);
  const clock = systemClock;
  const database = undo.use(openDatabase({ connection, address: 'a test', poolSize: 3, clock, log: silentLog }));
  await createHook(database, clock);
  const waiting = new Map<string, { resolve: (begun: Begun) => void; reject: (error: Error) => void }>();
  const children = Array.from({ length: PROCESSES }, (): ChildProcess => {
    const child = fork(CHILD, [JSON.stringify(connection)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    undo.defer(() => {
      child.removeAllListeners('exit');
      child.kill('SIGKILL');
    });
    child.on('message', (begun: Begun) => waiting.get(begun.taskId)?.resolve(begun));
    child.on('exit', (status) => {
      for (const { reject } of waiting.values()) reject(new Error(`a process ended: ${status}`));
    });
    return child;
  });
  const begin = (taskId: string, process: number) =>
    new Promise<Begun>((resolve, reject) => {
      waiting.set(taskId, { resolve, reject });
      children[process]?.send(taskId);
    }).finally(() => waiting.delete(taskId));
  return { begin, database, broker: createFiringProcess(database, clock).broker };
};
