import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { freshDatabase } from '../../../../test/support/database.ts';
import { lastFirst } from '../../../../test/support/wait.ts';
import type { Change } from '../../../community/changes/change.ts';
import type { Database } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import type { Agent, Json } from '../agent.ts';
import { createSettings } from './settings.ts';

const [ZOD, NEC] = ['~zod', '~nec'];
const readChanges = statement<{ changes: readonly Change[] }>(
  'test.changes',
  'select changes from community_changes order by id',
);

let database: Database;
let agent: Agent;
const undo = new AsyncDisposableStack();
before(async () => {
  database = await freshDatabase(lastFirst({ after: (step) => undo.defer(step) }));
  agent = createSettings(database);
});
after(() => undo.disposeAsync());

const poke = async (ship: string, event: Json): Promise<string> => {
  const result = await agent.poke?.('settings-event', event, ship);
  return result?.kind === 'refused' ? result.reason : (result?.kind ?? 'unknown');
};
const scry = (ship: string, path: string) => agent.scry?.(path, ship);
const entry = (key: string, value?: Json) => ({
  desk: 'groups',
  'bucket-key': 'calmEngine',
  'entry-key': key,
  ...(value !== undefined && { value }),
});

describe('settings', () => {
  it('are kept for their ship, entry by entry and bucket by bucket', async () => {
    assert.deepEqual([await scry(ZOD, '/all'), await scry(ZOD, '/desk/groups')], [{ all: {} }, { desk: {} }]);
    assert.equal(await poke(ZOD, { 'put-entry': entry('disableAvatars', true) }), 'done');
    assert.equal(await poke(ZOD, { 'put-entry': entry('list', ['a', 1]) }), 'done');
    assert.equal(await poke(ZOD, { 'put-entry': { ...entry('__proto__', 'x'), desk: 'moltbot' } }), 'done');
    const calmEngine = { disableAvatars: true, list: ['a', 1] };
    assert.deepEqual(await scry(ZOD, '/desk/groups'), { desk: { calmEngine } });
    const all = JSON.parse('{"moltbot": {"calmEngine": {"__proto__": "x"}}}');
    assert.deepEqual(await scry(ZOD, '/all'), { all: { groups: { calmEngine }, ...all } });
    assert.deepEqual(await scry(NEC, '/all'), { all: {} });

    const bucket = { desk: 'groups', 'bucket-key': 'display', bucket: { theme: 'dark' } };
    assert.equal(await poke(ZOD, { 'put-bucket': bucket }), 'done');
    assert.equal(await poke(ZOD, { 'del-entry': entry('list') }), 'done');
    assert.equal(await poke(ZOD, { 'del-entry': entry('disableAvatars') }), 'done');
    assert.deepEqual(await scry(ZOD, '/desk/groups'), { desk: { display: { theme: 'dark' } } });
    assert.equal(await poke(ZOD, { 'del-bucket': { desk: 'groups', 'bucket-key': 'display' } }), 'done');
    assert.deepEqual(await scry(ZOD, '/all'), { all });
  });

  it('are told to the clients of their ship that watch the desk', async () => {
    await database.query(statement('test.forget', 'delete from community_changes'));
    const event = { 'put-entry': entry('theme', 'dark') };
    await poke(ZOD, event);
    const changes = (await database.query(readChanges)).flatMap((row) => row.changes);
    const watching = { ship: ZOD, path: '/desk/groups' };
    const others = [
      { ...watching, ship: NEC },
      { ...watching, path: '/desk/other' },
    ];
    assert.deepEqual(await agent.factsOf?.(changes, [watching, ...others]), [
      { watcher: watching, fact: { mark: 'settings-event', json: { 'settings-event': event } } },
    ]);
  });

  it('have bounds, and are refused with the reason', async () => {
    const before = await scry(ZOD, '/all');
    assert.match(await poke(ZOD, { 'put-entry': entry('large', 'x'.repeat(300_000)) }), /at most 262144 bytes/);
    assert.match(
      await poke(ZOD, { 'put-entry': entry('x'.repeat(300), 1) }),
      /^entry-key must be a text of at most 256/,
    );
    assert.match(await poke(ZOD, { 'put-entry': entry('object', { a: 1 }) }), /^A setting is a text/);
    for (const event of [5, {}, { 'put-entry': 5 }, { 'put-bucket': entry('x') }, { other: entry('x') }])
      assert.match(await poke(ZOD, event), /^An event of settings/);
    assert.deepEqual(await scry(ZOD, '/all'), before);
    assert.deepEqual([await scry(ZOD, '/other'), await agent.poke?.('other', {}, ZOD)], [undefined, undefined]);
  });
});
