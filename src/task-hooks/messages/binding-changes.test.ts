import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BindingChange } from '../../broker/broker.ts';
import { newUuid } from '../../core/ids.ts';
import { silentLog } from '../../core/log.ts';
import { createWorld, ME, NAME, scheduledHook } from '../test-support/world.ts';
import { createBindingChanges } from './binding-changes.ts';

test('what becomes of a binding stands in the ledger of its hook, when the broker has committed it, and is no fire', async (t) => {
  const { database, ledger, clock, startServer, entries } = await createWorld(t);
  const server = await startServer({ isIdle: true });
  await server.changes.create(scheduledHook([]), ME);
  const { uid } = (await server.hooks.find(NAME)) ?? assert.fail();
  const record = createBindingChanges({ hooks: server.hooks, ledger, clock, log: silentLog });
  const since = clock.now() - 1_000;
  const binding = { exchange: 'exchange/x', routingKeyPattern: '#' };
  const refused: BindingChange = { queue: uid, ...binding, state: 'refused', reason: 'no such exchange', since };
  const active: BindingChange = { queue: uid, ...binding, state: 'active', since };
  const gone: BindingChange = { ...active, queue: newUuid() };

  const undone = database.transaction(async (tx) => {
    await record(tx, [active]);
    throw new Error('undone');
  });
  await assert.rejects(undone, /undone/);
  await database.transaction((tx) => record(tx, [refused, gone]));
  clock.jump(1);
  await database.transaction((tx) => record(tx, [active]));
  await database.transaction((tx) => record(tx, [gone]));

  const rows = await entries(uid);
  const detail = { ...binding, since: new Date(since).toISOString() };
  assert.deepEqual(
    rows.map((row) => [row.kind, row.outcome, row.error, row.detail]),
    [
      ['binding', null, { message: 'no such exchange' }, { ...detail, state: 'refused' }],
      ['binding', null, null, { ...detail, state: 'active' }],
    ],
  );
  const fires = await ledger.page({ hookUid: uid, kinds: ['fire', 'attempt'], limit: 10 });
  assert.deepEqual(fires.entries, []);
});
