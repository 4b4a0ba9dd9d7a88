// Whoever does what they are told about hooks has what they would read.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../../test/support/test-length.ts';
import { lastFirst } from '../../../../test/support/wait.ts';
import { createHooksPort } from '../../../assembly/hooks-port.ts';
import type { Change } from '../../../community/changes/change.ts';
import { createWorld, HOST, LETS_PASS, type World } from '../../../script-hooks/test-support/library-world.ts';
import type { Agent } from '../agent.ts';
import { createChannelsServer } from './channels-server.ts';

let world: World;
let agent: Agent;
const undo = new AsyncDisposableStack();
before(async () => {
  world = await createWorld(lastFirst({ after: (step) => undo.defer(step) }));
  agent = createChannelsServer(createHooksPort({ ...world, our: HOST }), async () => undefined);
});
after(() => undo.disposeAsync());

const LOUNGE = 'chat/~zod/lounge';
const nest = fc.constantFrom(LOUNGE, 'diary/~zod/notes');
const src = fc.constantFrom(LETS_PASS, `${LETS_PASS}\n`, 'no script at all');
const name = fc.constantFrom('a', 'b');
/** The place of a hook among all that there have been. */
const which = fc.nat({ max: 3 });
const origin = fc.option(nest);
const config = fc.dictionary(fc.constantFrom('k', 'l'), fc.constantFrom('0w3NM', 5, '0w18N'), {
  noNullPrototype: true,
});
const step = fc.oneof(
  fc.record({ add: fc.record({ name, src }) }),
  fc.record({ edit: fc.record({ id: which, name: fc.option(name), src: fc.option(src), meta: fc.constant(null) }) }),
  fc.record({ del: which }),
  fc.record({ order: fc.record({ nest, seq: fc.array(which, { maxLength: 3 }) }) }),
  fc.record({ config: fc.record({ id: which, nest, config }) }),
  fc.record({ cron: fc.record({ id: which, origin, schedule: fc.constantFrom('~h1', '~d1'), config }) }),
  fc.record({ rest: fc.record({ id: which, origin }) }),
);

// biome-ignore lint/suspicious/noExplicitAny: facts and answers are what the test says they are.
type Untyped = any;
type Known = { hooks: Untyped; order: Untyped; crons: Untyped };

const learn = ({ hooks, order, crons }: Known, fact: Untyped): void => {
  const { set, gone, config: configured, cron, rest } = fact;
  if (set) hooks[set.id] = { name: set.name, src: set.src, meta: set.meta, config: hooks[set.id]?.config ?? {} };
  if (gone) {
    delete hooks[gone];
    delete crons[gone];
    for (const [place, seq] of Object.entries<string[]>(order)) order[place] = seq.filter((id) => id !== gone);
  }
  if (fact.order) order[fact.order.nest] = fact.order.seq;
  if (configured) hooks[configured.id].config[configured.nest] = configured.config;
  if (cron) crons[cron.id] = { ...crons[cron.id], [cron.origin]: [cron.schedule.repeat, cron.config] };
  if (rest) delete crons[rest.id][rest.origin];
};

const filled = (record: Readonly<Record<string, object>>) =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => Object.keys(value).length > 0));

const shown = ({ hooks, order, crons }: Known): Known => ({ hooks, order: filled(order), crons: filled(crons) });

const read = async (): Promise<Known> => {
  const all = (await agent.scry?.('/v0/hooks', HOST)) as Untyped;
  const hooks = Object.entries<Untyped>(all.hooks).map(([id, hook]) => {
    return [id, { name: hook.name, src: hook.src, meta: hook.meta, config: hook.config }];
  });
  const crons = Object.entries<Untyped>(all.crons).map(([id, own]) => [
    id,
    Object.fromEntries(Object.entries<Untyped>(own).map(([at, cron]) => [at, [cron.schedule.repeat, cron.config]])),
  ]);
  return shown({ hooks: Object.fromEntries(hooks), order: all.order, crons: Object.fromEntries(crons) });
};

it('whoever does what they are told about hooks has what they would read', async () => {
  const rounds = fc.asyncProperty(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 5 }), async (batches) => {
    for (const id of Object.keys((await read()).hooks)) await agent.poke?.('hook-action-0', { del: id }, HOST);
    await world.rows('delete from script_orders');
    await world.rows('delete from community_changes');
    const ids: string[] = [];
    const known: Known = { hooks: {}, order: {}, crons: {} };
    for (const batch of batches) {
      for (const asked of batch) {
        const action = JSON.parse(JSON.stringify(asked), (key, value) =>
          key === 'id' || key === 'del'
            ? (ids[value] ?? '0v7')
            : key === 'seq'
              ? value.map((at: number) => ids[at] ?? '0v7')
              : value,
        );
        await agent.poke?.('hook-action-0', action, HOST); // some are refused
        for (const id of Object.keys((await read()).hooks)) if (!ids.includes(id)) ids.push(id);
      }
      const rows = await world.rows('select changes from community_changes order by id');
      await world.rows('delete from community_changes');
      const changes = rows.flatMap((row) => row.changes as Change[]);
      const facts = (await agent.factsOf?.(changes, [{ ship: HOST, path: '/v0/hooks' }])) ?? [];
      for (const { fact } of facts) learn(known, fact.json);
      assert.deepEqual(shown(known), await read());
    }
  });
  await fc.assert(rounds, { numRuns: roundsOf(250) });
});
