// Crons and wake-ups of script hooks, on a clock in the test's hands.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { newGroup } from '../../community/groups/new-group.ts';
import { createWorld, essay, HOST, NEC, onPost } from '../test-support/hosting-world.ts';

const world = await createWorld(lastFirst({ after }));
const { hook, post, texts, channel, settled, manage, clock, rows, refused, does } = world;

const script = (body: string): string => `
  const { get_state, set_state, effects, get_members_here, get_chat_messages_here, bowl } = require('tlon_hooks');
  module.exports = (event) => { ${body} };`;
const allow = '{ event: { allowed: event }, effects: [] }';
const SECOND = 1_000;
const HOUR = 3_600_000;

/** Time passes, and what became due is done. */
const advance = async (ms: number): Promise<void> => {
  await clock.advance(ms);
  await settled();
};
const stateOf = async (id: string) =>
  (await rows('select state from script_states s join script_hooks h on h.id = s.hook where h.name = $1', [id]))[0]
    ?.state;
const add = async (name: string, src: string): Promise<string> => (await manage({ add: { name, src } })).id;

describe('a cron', () => {
  it('fires at once, then on its grid; what was missed is one run', async () => {
    const id = await add('ticks', script(`set_state([...(get_state() ?? []), Date.now()]); return ${allow};`));
    const start = clock.now();
    await manage({ cron: { id, origin: null, schedule: '~h1', config: {} } });
    await advance(1);
    await advance(HOUR);
    assert.deepEqual(
      (await stateOf('ticks')).map((at: number) => Math.round((at - start) / HOUR)),
      [0, 1],
    );
    clock.jump(5 * HOUR + HOUR / 2);
    await advance(SECOND);
    assert.equal((await stateOf('ticks')).length, 3);
    await advance(HOUR / 2);
    const all: number[] = await stateOf('ticks');
    assert.equal(all.length, 4);
    assert.ok(((all[3] as number) - start) % HOUR < 10 * SECOND, 'it is on the grid again');
    await manage({ rest: { id, origin: null } });
    await advance(3 * HOUR);
    assert.equal((await stateOf('ticks')).length, 4);
  });

  it('of a channel sees its members and posts and has effects there; a global one sees none', async () => {
    const nest = await channel('chat', 'crons');
    await post('hello', NEC, nest);
    const src = script(`set_state([get_members_here().length, get_chat_messages_here().length, bowl.nest, bowl.config]);
      return { event: { allowed: event }, effects: [effects.post_here('tick')] };`);
    const here = await add('here', src);
    const everywhere = await add('everywhere', src);
    await manage({ cron: { id: here, origin: nest, schedule: '~d1', config: { emoji: 'x' } } });
    await manage({ cron: { id: everywhere, origin: null, schedule: '~d1', config: {} } });
    await advance(1);
    assert.deepEqual(await stateOf('here'), [4, 1, nest, { emoji: 'x' }]);
    assert.deepEqual(await stateOf('everywhere'), [0, 0, null, {}]);
    assert.deepEqual(await texts(nest), ['hello', 'tick']);
  });
});

describe('the schedule of a cron', () => {
  it('may be a date and an interval, or a pattern', async () => {
    const src = script(`set_state((get_state() ?? 0) + 1); return ${allow};`);
    const [dated, patterned] = [await add('dated', src), await add('patterned', src)];
    const day = new Date(clock.now() + 24 * HOUR);
    const next = `~${day.getUTCFullYear()}.${day.getUTCMonth() + 1}.${day.getUTCDate()}..12.30.00`;
    await manage({ cron: { id: dated, origin: null, schedule: { next, repeat: '~h6' }, config: {} } });
    await manage({ cron: { id: patterned, origin: null, schedule: '30 12 * * *', config: {} } });
    const runs = async () => [await stateOf('dated'), await stateOf('patterned')];
    const halfPast = new Date(day).setUTCHours(12, 30, 0, 0);
    // The pattern may come once before the date.
    await advance(halfPast - SECOND - clock.now());
    const before = (await runs())[1] ?? 0;
    assert.equal((await runs())[0], null);
    await advance(2 * SECOND);
    assert.deepEqual(await runs(), [1, before + 1]);
    for (let quarter = 0; quarter < 4; quarter += 1) await advance(6 * HOUR);
    assert.deepEqual(await runs(), [5, before + 2]);
    for (const id of [dated, patterned]) await manage({ rest: { id, origin: null } });
  });

  it('goes on after a run that denied, failed, or whose effects were refused; the host causes it', async () => {
    const nest = await channel('chat', 'goes-on');
    const src = script(`const runs = (get_state() ?? 0) + 1; set_state(runs);
      if (bowl.src !== bowl.our) throw new Error('somebody else');
      if (runs === 1) return { event: { denied: 'no' }, effects: [effects.post_here('denied')] };
      if (runs === 2 && bowl.config.fails) throw new Error('oops');
      const action = { view: 'grid' };
      return { event: { allowed: event }, effects: [{ channels: { channel: { nest: 'chat/~zod/none', action } } }] };`);
    const id = await add('goes-on', src);
    const cron = { id, origin: nest, schedule: '~h1' };
    await manage({ cron: { ...cron, config: { fails: true } } });
    await advance(1);
    await advance(HOUR);
    assert.equal(await stateOf('goes-on'), 1, 'a run that fails leaves the state alone');
    await manage({ cron: { ...cron, config: {} } });
    await advance(1);
    await advance(HOUR);
    assert.equal(await stateOf('goes-on'), 3);
    assert.deepEqual(await texts(nest), ['denied']);
    const runs = await rows('select outcome, failed_effects from script_runs where origin = $1 order by id', [nest]);
    assert.deepEqual(
      runs.map(({ outcome, failed_effects: failed }) => [outcome, failed?.[0].reason]),
      [
        ['denied', undefined],
        ['failed', undefined],
        ['allowed', 'There is no channel chat/~zod/none.'],
        ['allowed', 'There is no channel chat/~zod/none.'],
      ],
    );
    await manage({ rest: { id, origin: nest } });
  });
});

describe('a wake-up', () => {
  it('comes once at its time with its data, and one of the same id replaces it', async () => {
    const nest = await channel('chat', 'waits');
    await hook(
      script(`if (event.wake) { set_state([...(get_state() ?? []), event.wake]); return ${allow}; }
        if (event['on-post'] === undefined) return ${allow};
        const wait = { id: 7, data: { text: "don't", n: 1 }, 'fires-at': Date.now() + ${HOUR} };
        return { event: { allowed: event }, effects: [{ wait }] };`),
      nest,
    );
    await post('one', NEC, nest);
    await settled();
    await advance(HOUR / 2);
    await post('two', NEC, nest);
    await settled();
    await advance(HOUR / 2 + SECOND);
    const woken = async () =>
      (
        await rows('select s.state from script_orders o join script_states s on s.hook = o.hooks[1] where nest = $1', [
          nest,
        ])
      )[0]?.state;
    assert.equal(await woken(), null);
    await advance(HOUR / 2);
    assert.deepEqual(
      (await woken()).map(({ id, data }: { id: unknown; data: unknown }) => [id, data]),
      [[7, { text: "don't", n: 1 }]],
    );
    await advance(3 * HOUR);
    assert.equal((await woken()).length, 1);
  });

  it('that a hook asks for while it denies comes as well, with the settings of the channel', async () => {
    const nest = await channel('chat', 'denied-wait');
    const id = await hook(
      script(`if (event.wake) return { event: { allowed: event }, effects: [effects.post_here(bowl.config.word + event.wake.data)] };
        if (bowl.src === '${HOST}') return ${allow};
        const wait = { id: '0v1', data: '!', 'fires-at': Date.now() + ${HOUR} };
        return { event: { denied: 'later' }, effects: [{ wait }] };`),
      nest,
    );
    await manage({ config: { id, nest, config: { word: 'now' } } });
    await refused(onPost(nest, { add: essay('x', NEC) }), NEC);
    await settled();
    await advance(HOUR + SECOND);
    assert.deepEqual(await texts(nest), ['now!']);
  });

  it('of a hook that is deleted does not come', async () => {
    const nest = await channel('chat', 'gone');
    const id = await hook(
      script(`return { event: { allowed: event }, effects: event.wake ? [effects.post_here('woken')]
        : event['on-post'].add.essay.author === '${HOST}' ? []
        : [{ wait: { id: '0v1', hook: null, data: null, 'fires-at': Date.now() + ${HOUR} } }] };`),
      nest,
    );
    await post('one', NEC, nest);
    await settled();
    assert.equal((await rows('select * from script_waits where asked_by::text = $1 or true', [''])).length > 0, true);
    await manage({ del: id });
    await advance(2 * HOUR);
    assert.deepEqual(await texts(nest), ['one']);
  });
});

describe('a wake-up too many', () => {
  it('is refused, and says so beside its run; one of an id that waits replaces that', async () => {
    const id = await add(
      'sleepless',
      script(`const wait = (id) => ({ wait: { id, hook: null, data: 'x', 'fires-at': Date.now() + ${HOUR} } });
        return { event: { allowed: event }, effects: event.wake ? [] : [wait(1), wait(20000)] };`),
    );
    const fill = `insert into script_waits select id, n::text, '', id, '{}', 0 from script_hooks, generate_series(1, 10000) n where name = $1`;
    await rows(fill, ['sleepless']);
    await manage({ cron: { id, origin: null, schedule: '~d1', config: {} } });
    await advance(1);
    const [run] = await rows(
      'select failed_effects from script_runs r join script_hooks h on h.id = r.hook where h.name = $1',
      ['sleepless'],
    );
    assert.deepEqual(run.failed_effects, [
      { index: 1, reason: '10000 wake-ups of this hook wait already, and no more are taken' },
    ]);
    const [one] = await rows(
      `select wake from script_waits w join script_hooks h on h.id = w.hook
      where h.name = $1 and w.id = '1'`,
      ['sleepless'],
    );
    assert.equal(one.wake.data, 'x');
    await manage({ del: id });
  });
});

describe('a run that no post causes', () => {
  it('sees nothing of channels that another ship hosts, and keeps where it was asked for', async () => {
    const nest = `chat/${NEC}/private`;
    const group = { ...newGroup({ host: NEC, title: '', now: clock.now() }), 'flagged-content': {} };
    await does({ groups: { flag: `${NEC}/own`, update: { diff: { create: group } } } }, NEC);
    const words = { title: '', description: '', readers: [], writers: [] };
    await does({ channels: { create: { kind: 'chat', name: 'private', group: `${NEC}/own`, ...words } } }, NEC);
    await post('a secret', NEC, nest);
    const src = script(`set_state([get_members_here(), get_chat_messages_here(), bowl.nest]); return ${allow};`);
    const id = await add('curious', src);
    await manage({ cron: { id, origin: nest, schedule: '~d1', config: {} } });
    await advance(1);
    assert.deepEqual(await stateOf('curious'), [[], [], null]);
    const [run] = await rows(
      'select origin from script_runs r join script_hooks h on h.id = r.hook where h.name = $1',
      ['curious'],
    );
    assert.equal(run.origin, nest);
  });
});

describe('a wake-up at once', () => {
  it('is part of the chain of effects that asked for it, which ends', async () => {
    const id = await add(
      'restless',
      script(`set_state((get_state() ?? 0) + 1);
        return { event: { allowed: event }, effects: [{ wait: { id: 1, hook: null, data: null, 'fires-at': Date.now() } }] };`),
    );
    await manage({ cron: { id, origin: null, schedule: '~d1', config: {} } });
    for (let passed = 0; passed < 20; passed += 1) await advance(1);
    assert.equal(await stateOf('restless'), 9);
  });

  it('that is refused leaves the one that was asked for before', async () => {
    const id = await add(
      'changing',
      script(`if (event.wake) { set_state([...(get_state() ?? []), event.wake.data]); return ${allow}; }
        const wait = (data, hook, at) => ({ wait: { id: 1, hook, data, 'fires-at': Date.now() + at } });
        return { event: { allowed: event }, effects: [wait('good', null, ${HOUR}), wait('bad', '0v7', ${SECOND})] };`),
    );
    await manage({ cron: { id, origin: null, schedule: '~d2', config: {} } });
    await advance(1);
    await advance(2 * SECOND);
    assert.equal(await stateOf('changing'), null);
    await advance(HOUR);
    assert.deepEqual(await stateOf('changing'), ['good']);
  });
});
