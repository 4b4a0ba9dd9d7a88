// Crons and wake-ups of script hooks, on a clock in the test's hands.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { createWorld, HOST, NEC } from '../test-support/hosting-world.ts';

const world = await createWorld(lastFirst({ after }));
const { hook, post, texts, channel, settled, manage, clock, rows } = world;

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
