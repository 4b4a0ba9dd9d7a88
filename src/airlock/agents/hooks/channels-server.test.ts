// The agent of script hooks over a real library and community. The changes are those that it
// recorded, in the order of their commits.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { lastFirst } from '../../../../test/support/wait.ts';
import { createHooksPort } from '../../../assembly/hooks-port.ts';
import type { Change } from '../../../community/changes/change.ts';
import {
  createWorld,
  HOST,
  LETS_PASS,
  LOUNGE,
  NEC,
  type World,
} from '../../../script-hooks/test-support/hosting-world.ts';
import type { Agent, Json, WatchResult } from '../agent.ts';
import { createChannelsServer } from './channels-server.ts';
import { createHooksPreview } from './hooks-preview.ts';

const NO_META = { title: '', description: '', image: '', cover: '' };
const OUTSIDER = '~bus';

let world: World;
let agent: Agent;
const undo = new AsyncDisposableStack();
before(async () => {
  world = await createWorld(lastFirst({ after: (step) => undo.defer(step) }));
  const { library, database, clock } = world;
  const hooks = createHooksPort({ library, our: HOST, clock });
  agent = createChannelsServer(hooks, createHooksPreview(database, hooks));
});
after(() => undo.disposeAsync());

const poke = async (json: Json, ship = HOST): Promise<string> => {
  const result = await agent.poke?.('hook-action-0', json, ship);
  return result?.kind === 'refused' ? result.reason : (result?.kind ?? 'unknown');
};
const scry = (ship = HOST) => agent.scry?.('/v0/hooks', ship) as Promise<Json & Record<string, never>>;
const watch = async (path: string, ship = HOST): Promise<string | Json> => {
  const result = (await agent.watch?.(path, ship)) as WatchResult;
  return result.kind === 'once' ? result.fact : result.kind === 'refused' ? result.reason : result.kind;
};
const told = async (watchers = [{ ship: HOST, path: '/v0/hooks' }]) => {
  const rows = await world.rows('select changes from community_changes order by id');
  const changes = rows.flatMap((row) => row.changes as Change[]);
  return (await agent.factsOf?.(changes, watchers)) ?? [];
};
const factsTold = async () => (await told()).map(({ fact }) => fact.json as Record<string, unknown>);

beforeEach(async () => {
  for (const id of Object.keys((await scry()).hooks ?? {})) await poke({ del: id });
  await world.rows('delete from community_changes');
});

const add = async (name = 'mine', src = LETS_PASS): Promise<string> => {
  assert.equal(await poke({ add: { name, src } }), 'done');
  const { set } = (await factsTold()).at(-1) as { set: { id: string } };
  return set.id;
};

describe('a hook action', () => {
  it('of every kind is done, and told in the order of the commits', async () => {
    const id = await add();
    const config = { emoji: '0wdbkT.JHau0', most: 5, pair: '0w18N' };
    await poke({ edit: { id, name: 'renamed', meta: NO_META, src: 'not a script' } });
    await poke({ order: { nest: LOUNGE, seq: [id, '0v9'] } });
    await poke({ config: { id, nest: LOUNGE, config } });
    await poke({ cron: { id, origin: null, schedule: '~h1', config: { emoji: '0w3NM' } } });
    await poke({ rest: { id, origin: null } });
    const [first, edited, ...others] = await factsTold();
    assert.deepEqual(first, edited, 'a hook is told as it is');
    const { set } = edited as { set: Record<string, unknown> };
    assert.deepEqual([set.id, set.name, set.src, set.meta], [id, 'mine', 'not a script', NO_META]);
    assert.match(String(set.error), /^SyntaxError/);
    assert.deepEqual(others, [
      { order: { nest: LOUNGE, seq: [id] } },
      { config: { id, nest: LOUNGE, config } },
      {
        cron: {
          ...{ id, origin: 'global', config: { emoji: '0w3NM' } },
          schedule: { next: '~2025.4.1..12.00.00', repeat: '~h1' },
        },
      },
      { rest: { id, origin: 'global' } },
    ]);
    await poke({ del: id });
    assert.deepEqual((await factsTold()).at(-1), { gone: id });
    assert.ok((await told()).every(({ fact }) => fact.mark === 'hook-response-0'));
  });

  it('is told, too, that a template sets up, whoever asked for it', async () => {
    const id = await add();
    await poke({ order: { nest: LOUNGE, seq: [id] } });
    await poke({ config: { id, nest: LOUNGE, config: { emoji: '0w3NM' } } });
    await world.rows('delete from community_changes');
    const other = 'chat/~zod/other';
    await world.library.setUp(await world.library.template(LOUNGE), other, { actor: HOST, now: world.clock.now() });
    assert.deepEqual(await factsTold(), [
      { config: { id, nest: other, config: { emoji: '0w3NM' } } },
      { order: { nest: other, seq: [id] } },
    ]);
    await poke({ order: { nest: other, seq: [] } });
  });

  it('is refused with the reason when it is wrong, and when anybody but the host asks', async () => {
    assert.match(await poke({ add: { name: 'x', src: LETS_PASS } }, NEC), /^Only ~zod, whose hooks these are/);
    assert.match(await poke({ del: '0v5' }), /^There is no script hook 0v5$/);
    assert.match(await poke({ nonsense: 1 }), /^The action is wrong at its root/);
    assert.equal(await agent.poke?.('hook-action-7', {}, HOST), undefined);
    assert.deepEqual(await told(), []);
  });

  it('is told to the host alone', async () => {
    await add();
    assert.equal(await watch('/v0/hooks', NEC), 'watching');
    const watchers = [HOST, NEC].map((ship) => ({ ship, path: '/v0/hooks' }));
    assert.deepEqual(
      (await told(watchers)).map(({ watcher }) => watcher.ship),
      [HOST],
    );
  });
});

describe('all hooks', () => {
  it('are read by the host as its clients know them', async () => {
    const id = await add();
    const config = { emoji: '0wdbkT.JHau0' };
    await poke({ order: { nest: LOUNGE, seq: [id] } });
    await poke({ config: { id, nest: LOUNGE, config } });
    await poke({ cron: { id, origin: LOUNGE, schedule: '~h1', config } });
    const hook = { id, version: '', name: 'mine', meta: NO_META, src: LETS_PASS, compiled: true };
    const schedule = { next: '~2025.4.1..12.00.00', repeat: '~h1' };
    const all = {
      hooks: { [id]: { ...hook, config: { [LOUNGE]: config } } },
      order: { [LOUNGE]: [id] },
      crons: { [id]: { [LOUNGE]: { hook: id, schedule, config } } },
    };
    assert.deepEqual(await scry(), all);
    assert.deepEqual(await watch('/v0/hooks/full'), { mark: 'hook-full', json: all });
    const { order, hooks } = all;
    const template = { from: LOUNGE, hooks, order: order[LOUNGE], crons: [[id, all.crons[id]?.[LOUNGE]]] };
    assert.deepEqual(await watch('/v0/hooks/template/chat/lounge'), { mark: 'hook-template', json: template });
  });

  it('are nothing for others', async () => {
    assert.equal(await scry(NEC), undefined);
    for (const path of ['/v0/hooks/full', '/v0/hooks/template/chat/lounge'])
      assert.match(String(await watch(path, NEC)), /^Only ~zod/);
  });
});

describe('the preview of a channel', () => {
  it('names what runs there to those who may read it, and nobody else', async () => {
    const id = await add('greeter', '// secret');
    await poke({ order: { nest: LOUNGE, seq: [id] } });
    const preview = { mark: 'hook-channel-preview', json: [{ name: 'greeter', meta: NO_META }] };
    for (const ship of [HOST, NEC]) assert.deepEqual(await watch('/v0/hooks/preview/chat/lounge', ship), preview);
    assert.equal(
      await watch('/v0/hooks/preview/chat/lounge', OUTSIDER),
      'There is no channel chat/~zod/lounge that ~bus may read.',
    );
    assert.equal(
      await watch('/v0/hooks/preview/chat/none', NEC),
      'There is no channel chat/~zod/none that ~nec may read.',
    );
  });
});
