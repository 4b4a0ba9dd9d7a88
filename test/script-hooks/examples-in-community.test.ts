// Every example script, installed in a channel of a community: what its members do and read there.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { withDots } from '../../src/community/schema/id.ts';
import type { VPost } from '../../src/community/types/posts.ts';
import { createEffectsWorld, fleet, memo, meta } from '../../src/script-hooks/test-support/effects-world.ts';
import {
  BUD,
  essay,
  FES,
  HOST,
  NEC,
  onPost,
  plain,
  textOf,
} from '../../src/script-hooks/test-support/hosting-world.ts';
import { lastFirst } from '../support/wait.ts';

const FOLDER = new URL('../../examples/scripts/', import.meta.url);
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const world = await createEffectsWorld(lastFirst({ after }));
const { as, manage, does, refused, clock, settled, newGroup, newChannel, change, groupAs, fired } = world;

/** A channel where an example runs: what can be done and read there. */
const install = async (script: string, { config = {}, cron }: { config?: object; cron?: string } = {}) => {
  const flag = await newGroup(script, [NEC, FES, BUD]);
  const nest = await newChannel(flag, script);
  const src = readFileSync(new URL(`${script}.js`, FOLDER), 'utf8');
  const { id, error } = await manage({ add: { name: script, src } });
  assert.equal(error, null);
  await manage({ order: { nest, seq: [id] } });
  await manage({ config: { id, nest, config } });
  if (cron) await manage({ cron: { id, origin: nest, schedule: cron, config } });
  await settled();
  const onReply = (of: string, author: string, text: string) =>
    onPost(nest, { reply: { id: of, action: { add: memo(text, author) } } });
  const posts = async (): Promise<VPost[]> => (await as(BUD).listPosts(nest)).posts.toReversed();
  return {
    ...{ flag, nest, posts },
    post: async (text: string, by: string = NEC) => {
      const posted = await world.post(text, by, nest);
      await settled();
      return posted;
    },
    reply: async (of: string, text: string, by: string = NEC) => {
      await does(onReply(of, by, text), by);
      await settled();
    },
    react: async (of: string, react: string | null, ship: string) => {
      const action = react === null ? { 'del-react': { id: of, ship } } : { 'add-react': { id: of, ship, react } };
      await does(onPost(nest, action), ship);
      await settled();
    },
    denied: (text: string, by: string = NEC) => refused(onPost(nest, { add: essay(text, by, clock.now()) }), by),
    deniedReply: (of: string, text: string, by: string = NEC) => refused(onReply(of, by, text), by),
    texts: async () => (await posts()).map(textOf),
  };
};

/** What the host has written to a ship, oldest first. */
const messagesTo = async (ship: string): Promise<string[]> =>
  (await as(ship).listMessages(HOST)).messages
    .map((one: { memo: { content: VPost['essay']['content'] } }) => plain(one.memo.content))
    .reverse();
const passes = async (ms: number): Promise<void> => {
  await clock.advance(ms);
  await settled();
};
const withImage = (src: string) => ({
  ...essay('', NEC),
  content: [{ block: { image: { src, height: 1, width: 1, alt: '' } } }],
});

const scenes: Readonly<Record<string, () => Promise<void>>> = {
  'alert-on-reaction': async () => {
    const { post, react } = await install('alert-on-reaction', { config: { for: NEC } });
    const id = await post('look at this');
    await react(id, ':fire:', FES);
    await react(id, null, FES);
    await react(await post('and this', FES), ':fire:', BUD);
    assert.deepEqual(await messagesTo(NEC), ['~fes reacted with :fire:']);
  },
  anonymize: async () => {
    const { post, reply, posts } = await install('anonymize');
    await reply(await post('a secret'), 'mine, too', FES);
    const [shown] = await posts();
    assert.equal(shown?.essay.author, HOST);
    assert.deepEqual(
      Object.values(shown?.seal.replies ?? {}).map((one) => one?.author),
      [HOST],
    );
  },
  'auto-react': async () => {
    const { post, posts } = await install('auto-react', { config: { word: 'hello' } });
    await post('Hello, all');
    await post('bye');
    assert.deepEqual(
      (await posts()).map(({ seal }) => seal.reacts[HOST]?.react),
      [':wave:', undefined],
    );
  },
  'confirm-later': async () => {
    const { post, posts } = await install('confirm-later', { config: { seconds: 60 } });
    await post('is this noted?');
    await passes(59 * SECOND);
    assert.deepEqual((await posts())[0]?.seal.reacts, {});
    await passes(2 * SECOND);
    assert.equal((await posts())[0]?.seal.reacts[HOST]?.react, ':white_check_mark:');
  },
  'delete-old-posts': async () => {
    const { post, texts } = await install('delete-old-posts', { config: { days: 2 }, cron: '~d1' });
    await post('old');
    await passes(DAY + HOUR);
    await post('young');
    await passes(DAY);
    assert.deepEqual(await texts(), ['young']);
  },
  disappearing: async () => {
    const { post, texts } = await install('disappearing');
    await post('one');
    await passes(HOUR);
    await post('two');
    await passes(DAY - HOUR + SECOND);
    assert.deepEqual(await texts(), ['two']);
    await passes(HOUR);
    assert.deepEqual(await texts(), []);
  },
  forward: async () => {
    const archive = await newChannel(await newGroup('archive', [FES]), 'archive');
    const { post } = await install('forward', { config: { to: archive } });
    await post('for later');
    const [copy] = (await as(FES).listPosts(archive)).posts;
    assert.deepEqual([copy.essay.author, textOf(copy)], [HOST, 'for later']);
    assert.deepEqual(copy.essay.content[0].inline, [{ bold: [`${NEC} in chat/${HOST}/forward:`] }]);
  },
  'images-from-one-host': async () => {
    const { nest, post, posts } = await install('images-from-one-host', { config: { host: 'a.example' } });
    const foreign = onPost(nest, { add: withImage('https://b.example/x.png') });
    assert.equal(await refused(foreign, NEC), 'Only images from a.example, please');
    await does(onPost(nest, { add: withImage('https://a.example/x.png') }), NEC);
    const id = await post('only words');
    const { content } = withImage('https://b.example/x.png');
    const add = { content, author: FES, sent: 1 };
    assert.match(await refused(onPost(nest, { reply: { id, action: { add } } }), FES), /Only images/);
    assert.equal((await posts()).length, 2);
  },
  'keyword-alert': async () => {
    const { post, reply, nest } = await install('keyword-alert', { config: { tell: FES } });
    const id = await post('nothing new');
    await reply(id, 'but this is Urgent', BUD);
    assert.deepEqual(await messagesTo(FES), [`~bud said "urgent" in ${nest}`]);
  },
  'kick-inactive': async () => {
    const { flag, post } = await install('kick-inactive', { config: { days: 2 }, cron: '~d1' });
    await post('hello', NEC);
    await post('hello', FES);
    await passes(DAY + HOUR);
    await post('still here', FES);
    await passes(DAY);
    assert.deepEqual(Object.keys((await groupAs(BUD, flag)).fleet), [HOST, FES, BUD]);
  },
  'once-a-day': async () => {
    const { post, denied, texts } = await install('once-a-day');
    await post('good morning');
    assert.equal(await denied('and again'), 'One post a day: come back tomorrow');
    await post('good morning', FES);
    await passes(DAY);
    await post('a new day');
    assert.deepEqual(await texts(), ['good morning', 'good morning', 'a new day']);
  },
  'opening-hours': async () => {
    await passes(DAY - ((clock.now() - Date.UTC(2025, 3, 1, 12)) % DAY)); // it is noon
    const { flag, post, denied, texts } = await install('opening-hours', { cron: '~h1' });
    await change(
      flag,
      { cabal: { sect: 'staff', diff: { add: meta('Staff') } } },
      fleet([BUD], { 'add-sects': ['staff'] }),
    );
    await post('at noon');
    for (let hour = 0; hour < 9; hour += 1) await passes(HOUR);
    assert.match(await denied('at night'), /may not write/);
    await post('the night watch', BUD);
    for (let hour = 0; hour < 12; hour += 1) await passes(HOUR);
    await post('in the morning');
    assert.deepEqual(await texts(), [
      ...['at noon', 'We are closed until 8:00 UTC.', 'the night watch', 'Good morning, we are open.'],
      'in the morning',
    ]);
  },
  reminder: async () => {
    const { post, texts } = await install('reminder');
    await post('!remind 10 water the plants');
    await passes(9 * MINUTE);
    assert.equal((await texts()).length, 1);
    await passes(2 * MINUTE);
    assert.deepEqual((await texts())[1], '~nec: water the plants');
  },
  'role-on-reaction': async () => {
    const { flag, post, react } = await install('role-on-reaction');
    await change(flag, { cabal: { sect: 'star', diff: { add: meta('Star') } } });
    const id = await post('I did it');
    const roles = async () => (await groupAs(FES, flag)).fleet[NEC].sects;
    await react(id, ':star:', FES);
    assert.deepEqual(await roles(), []);
    await react(id, ':star:', HOST);
    assert.deepEqual(await roles(), ['star']);
  },
  'run-task': async () => {
    const { post, texts } = await install('run-task', { config: { hookGroupId: 'garden', hookId: 'clean' } });
    await post('!run clean the pond');
    await post('just talking');
    const asked = fired.map(({ taskId: _, ...one }) => one);
    const payload = { what: 'clean the pond', by: NEC };
    assert.deepEqual(asked, [{ name: 'run-task', hookGroupId: 'garden', hookId: 'clean', payload }]);
    assert.equal((await texts())[1], '~nec asked for: clean the pond');
  },
  'slow-mode': async () => {
    const { post, denied, deniedReply, texts } = await install('slow-mode');
    const id = await post('one');
    await passes(10 * SECOND);
    assert.equal(await denied('two'), 'Slow mode: wait 20 s');
    assert.equal(await deniedReply(id, 'two'), 'Slow mode: wait 20 s');
    await post('me', FES);
    await passes(20 * SECOND);
    await post('two');
    assert.deepEqual(await texts(), ['one', 'me', 'two']);
  },
  truncate: async () => {
    const { nest, post, texts } = await install('truncate', { config: { characters: 5 } });
    const id = await post('short enough?');
    await does(onPost(nest, { edit: { id, essay: essay('or longer?', NEC) } }), NEC);
    assert.deepEqual(await texts(), ['or lo…']);
  },
  welcome: async () => {
    const { post, texts } = await install('welcome');
    await post('hi');
    await post('hi again');
    await post('hi', FES);
    assert.deepEqual(await texts(), ['hi', 'Welcome, ~nec!', 'hi again', 'hi', 'Welcome, ~fes!']);
  },
  'word-filter': async () => {
    const { nest, post, denied, deniedReply, texts } = await install('word-filter', { config: { words: ['Casino'] } });
    const id = await post('a walk');
    assert.equal(await denied('to the CASINO'), '"Casino" is not said here');
    assert.match(await deniedReply(id, 'casino'), /not said here/);
    const edit = { id: withDots(id), essay: essay('casino', NEC) };
    assert.match(await refused(onPost(nest, { edit }), NEC), /not said here/);
    assert.deepEqual(await texts(), ['a walk']);
  },
};

test('every example has a scene', () => {
  const names = readdirSync(FOLDER).flatMap((file) => (file.endsWith('.js') ? [file.slice(0, -3)] : []));
  assert.deepEqual(names.sort(), Object.keys(scenes).sort());
});

for (const [name, play] of Object.entries(scenes)) test(`${name} does in a community what it promises`, play);
