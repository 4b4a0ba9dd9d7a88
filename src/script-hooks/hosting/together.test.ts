// Quick hooks of a channel run in one message to a thread, and so do posts that wait for the same
// ones. What each run does, sees and costs is what it would be alone.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { eventually, lastFirst } from '../../../test/support/wait.ts';
import { repeatRun } from '../library/repeat-run.ts';
import { createWorld, essay, NEC, onPost } from '../test-support/hosting-world.ts';

const world = await createWorld(lastFirst({ after }));
const { hook, post, texts, channel, act, rows, sandbox, library } = world;

const script = (body: string): string => `
  const { get_state, set_state, get_chat_messages_here } = require('tlon_hooks');
  module.exports = (event) => {
    const text = event['on-post'].add.essay.content[0].inline[0];
    ${body};
    return { event: { allowed: event }, effects: [] };
  };`;
/** Keeps the texts that it saw. */
const NOTES = script('set_state([...(get_state() ?? []), text])');
const MARKS = script(`if (text.startsWith('mark')) event['on-post'].add.essay.content = [{ inline: [text + '!'] }]`);
const DENIES = script(`if (text === 'no') return { event: { denied: 'not this' }, effects: [] }`);
const THROWS = script(`if (text === 'throw') throw new Error('thrown')`);
const LOOPS = script(`if (text === 'loop') for (;;) {}`);
/** The engine cannot stop it: its thread has to be ended. */
const HANGS = script(`if (text === 'hang') new Array(1e9) + ''`);
const READS = script('get_chat_messages_here().slice(-1)[0]?.essay.content');

/** How many messages to threads something took. */
const messagesOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = sandbox.statistics().messages;
  await work();
  return sandbox.statistics().messages - before;
};

/** A channel with these hooks, which have run: a post takes so many messages to threads. */
const warmed = async (name: string, sources: readonly string[], messages = 1) => {
  const nest = await channel('chat', name);
  const ids: string[] = [];
  for (const source of sources) ids.push(await hook(source, nest));
  await eventually('the hooks run together', async () => {
    return (await messagesOf(() => post('warm', NEC, nest))) === messages;
  });
  /** What a hook that notes saw since then; without a place, the last one. */
  const seen = async (place = sources.length - 1) => {
    const [row] = await rows(
      'select s.state from script_orders o join script_states s on s.hook = o.hooks[$2::int] where o.nest = $1',
      [nest, place + 1],
    );
    return (row.state as string[]).filter((text) => text !== 'warm');
  };
  /** Of the last runs, the latest last. */
  const outcomes = async (count: number) =>
    (await rows('select outcome from script_runs where origin = $1 order by id desc limit $2', [nest, count]))
      .map(({ outcome }) => outcome)
      .reverse();
  return { nest, ids, seen, outcomes };
};

const say = (text: string, nest: string) => act(onPost(nest, { add: essay(text, NEC) }), NEC);

it('hooks that let a post pass take one message, and each has its run and its state', async () => {
  const { nest, seen, outcomes } = await warmed('three', [NOTES, DENIES, NOTES]);
  const { runs } = sandbox.statistics();
  assert.equal(await messagesOf(() => post('one', NEC, nest)), 1);
  assert.equal(sandbox.statistics().runs, runs + 3);
  assert.deepEqual(await outcomes(3), ['allowed', 'allowed', 'allowed']);
  assert.deepEqual(await seen(), ['one']);
});

it('a hook sees what those before it made of the post', async () => {
  const { nest, seen } = await warmed('changed', [MARKS, MARKS, NOTES]);
  await post('mark', NEC, nest);
  assert.deepEqual(await seen(), ['mark!!']);
  assert.equal((await texts(nest)).at(-1), 'mark!!');
});

it('no hook runs after one that denied', async () => {
  const { nest, seen, outcomes } = await warmed('denied', [NOTES, DENIES, NOTES]);
  assert.deepEqual(await say('no', nest), { kind: 'denied', reason: 'not this' });
  assert.deepEqual(await seen(), []);
  assert.deepEqual(await outcomes(3), ['allowed', 'allowed', 'denied']);
});

it('a post passes a hook that fails, except one that guards', async () => {
  const { nest, ids, seen, outcomes } = await warmed('failed', [THROWS, NOTES]);
  assert.equal(await messagesOf(() => post('throw', NEC, nest)), 1);
  assert.deepEqual(await seen(), ['throw']);
  await library.setOnError(ids[0] as string, 'deny');
  assert.equal((await say('throw', nest)).kind, 'denied');
  assert.deepEqual(await seen(), ['throw']);
  assert.deepEqual(await outcomes(3), ['failed', 'allowed', 'failed']);
});

it('a hook whose time is up takes none of that of the next', async () => {
  const { nest, seen, outcomes } = await warmed('loop', [NOTES, LOOPS, NOTES]);
  assert.equal(await messagesOf(() => post('loop', NEC, nest)), 1);
  assert.deepEqual(await outcomes(3), ['allowed', 'limited', 'allowed']);
  assert.deepEqual(await seen(), ['loop']);
});

it('a hook that ends its thread fails alone, and those beside it run once', async () => {
  const { nest, ids, seen, outcomes } = await warmed('hang', [NOTES, HANGS, NOTES]);
  await post('hang', NEC, nest);
  assert.deepEqual(await outcomes(4), ['allowed', 'allowed', 'limited', 'allowed']);
  assert.deepEqual(await seen(), ['hang']);
  assert.deepEqual(await seen(0), ['hang']);
  assert.equal((await library.hookOf(ids[1] as string))?.disabledReason, null);
});

it('a hook that waits for messages of the channel keeps no other hook waiting', async () => {
  const { nest } = await warmed('reads', [NOTES, NOTES, READS, NOTES], 3);
  assert.equal(await messagesOf(() => post('one', NEC, nest)), 3);
});

describe('posts of several channels, which wait for the same hooks,', () => {
  const PLACES = 5;
  /** Channels with the same hooks, after those have run in one of them. */
  const shared = async (name: string, sources: readonly string[]) => {
    const first = await warmed(name, sources);
    const nests = [first.nest];
    for (let number = 1; number < PLACES; number += 1) {
      nests.push(await channel('chat', `${name}${number}`));
      await world.manage({ order: { nest: nests.at(-1), seq: first.ids } });
    }
    const said: string[] = [];
    /** One post in each channel at once, again and again, until some of them went together. */
    const together = async (textOf: (number: number) => string, isSo: (messages: number) => boolean) =>
      eventually('posts go together', async () => {
        const round = nests.map((_, number) => `${textOf(number)} ${said.length + number}`);
        said.push(...round);
        return isSo(await messagesOf(() => Promise.all(nests.map((nest, number) => say(round[number] ?? '', nest)))));
      });
    return { ...first, nests, said, together };
  };
  /** Every run is as it would be alone, on the state that the one before it left. */
  const assertRepeatable = async (nests: readonly string[]) => {
    const runs = await rows('select id from script_runs where origin = any($1::text[]) order by id', [nests]);
    for (const { id } of runs) {
      const repeated = await repeatRun(world, id);
      assert.deepEqual(repeated?.kind === 'repeated' && repeated.differs, []);
    }
  };

  it('take fewer messages than posts, and each run has the state that the one before it left', async () => {
    const { nests, said, seen, together } = await shared('crowd', [NOTES, DENIES, NOTES]);
    await together(
      () => 'post',
      (messages) => messages < PLACES,
    );
    for (const place of [0, 2]) assert.deepEqual((await seen(place)).toSorted(), said.toSorted());
    assert.deepEqual(await seen(0), await seen(2));
    await assertRepeatable(nests);
  });

  it('are as if they had come alone where hooks change, deny and fail', async () => {
    const marksAndNotes =
      script(`if (text.startsWith('mark')) event['on-post'].add.essay.content = [{ inline: [text + '!'] }];
      set_state([...(get_state() ?? []), text])`);
    const guards = script(`if (text.startsWith('no')) return { event: { denied: null }, effects: [] };
      if (text.startsWith('throw')) throw new Error('thrown')`);
    const { nests, said, seen, together } = await shared('mixed', [NOTES, guards, marksAndNotes, NOTES, marksAndNotes]);
    const words = ['post', 'mark', 'no', 'throw', 'mark'];
    await together(
      (number) => words[number] ?? '',
      (messages) => messages < 2 * PLACES,
    );
    assert.deepEqual((await seen(0)).toSorted(), said.toSorted());
    const passed = said.filter((text) => !text.startsWith('no'));
    assert.deepEqual((await seen(2)).toSorted(), passed.toSorted());
    const marked = passed.map((text) => (text.startsWith('mark') ? `${text}!` : text));
    for (const place of [3, 4]) assert.deepEqual((await seen(place)).toSorted(), marked.toSorted());
    const ends = passed.map((text) => (text.startsWith('mark') ? `${text}!!` : text));
    const all = (await Promise.all(nests.map((nest) => texts(nest)))).flat().filter((text) => text !== 'warm');
    assert.deepEqual(all.toSorted(), ends.toSorted());
    await assertRepeatable(nests);
  });

  it('have nothing of the state of a run whose answer does not count', async () => {
    const spoils = script(`set_state([...(get_state() ?? []), text]);
      if (text.startsWith('bad')) event['on-post'].add.essay.content = 5`);
    const { nests, said, seen, together } = await shared('spoilt', [NOTES, spoils]);
    await together(
      (number) => (number % 2 === 1 ? 'bad' : 'good'),
      (messages) => messages < PLACES,
    );
    assert.deepEqual((await seen(0)).toSorted(), said.toSorted());
    assert.deepEqual((await seen(1)).toSorted(), said.filter((text) => text.startsWith('good')).toSorted());
    await assertRepeatable(nests);
  });

  it('run once each when one of them ends the thread', async () => {
    const hangs = script(`if (text.startsWith('hang')) new Array(1e9) + ''`);
    const { nests, said, seen } = await shared('stuck', [NOTES, hangs, NOTES]);
    for (const [number, nest] of nests.entries()) said.push(`${number === 3 ? 'hang' : 'post'} ${nest}`);
    await Promise.all(nests.map((nest, number) => post(said[number] ?? '', NEC, nest)));
    for (const place of [0, 2]) assert.deepEqual((await seen(place)).toSorted(), said.toSorted());
    const limited = await rows(
      `select event::text as event from script_runs where origin = any($1::text[]) and outcome = 'limited'`,
      [nests],
    );
    assert.equal(limited.length, 1);
    assert.match(limited[0].event, /hang/);
  });
});
