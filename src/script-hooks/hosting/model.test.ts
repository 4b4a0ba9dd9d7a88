// Random ships do random things through two processes, one of which is replaced now and then: what
// comes of it is what a small model of the community says.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../test/support/test-length.ts';
import { lastFirst } from '../../../test/support/wait.ts';
import { readKeptRange } from '../../community/channels/kept-posts.ts';
import { readMembersOf } from '../../community/channels/membership-store.ts';
import { newGroup } from '../../community/groups/new-group.ts';
import { withDots } from '../../community/schema/id.ts';
import { parseUv } from '../../community/schema/uv.ts';
import type { ActionPost } from '../../community/types/channels.ts';
import type { Action } from '../../community/types/effect.ts';
import type { DiffGroups } from '../../community/types/group.ts';
import type { VPost, VReply } from '../../community/types/posts.ts';
import { type Command, createOracle, type PostCommand, type Reply, ROLES } from '../test-support/community-oracle.ts';
import { BUD, createWorld, essay, FES, HOST, NEC, onPost, plain } from '../test-support/hosting-world.ts';

const world = await createWorld(lastFirst({ after }));
const { manage, does, posts, database, clock } = world;

const TEXT = `
const place = (event) => event['on-post']?.add?.essay ?? event['on-post']?.edit?.essay
  ?? event['on-reply']?.add?.reply ?? event['on-reply']?.edit?.memo;
const react = (event) => (event['on-post'] ?? event['on-reply']).react?.react;
const text = (event) => place(event)?.content[0].inline[0] ?? react(event) ?? '';`;
const COUNT = `const { get_state, set_state } = require('tlon_hooks');
module.exports = (event) => { set_state((get_state() ?? 0) + 1); return { event: { allowed: event }, effects: [] }; };`;
const DENY = `${TEXT} module.exports = (event) =>
  ({ event: text(event).includes('no') ? { denied: null } : { allowed: event }, effects: [] });`;
const SHOUT = `${TEXT} module.exports = (event) => {
  if (place(event) && text(event).includes('up')) place(event).content = [{ inline: [text(event).toUpperCase()] }];
  return { event: { allowed: event }, effects: [] };
};`;

let worlds = 0;
/** A group with two channels of its own, and the three hooks on each. */
const makePlaces = async () => {
  worlds += 1;
  const flag = `${HOST}/model${worlds}`;
  await does({ groups: { flag, update: { diff: { create: newGroup({ host: HOST, title: '', now: clock.now() }) } } } });
  const vip = { title: 'vip', description: '', image: '', cover: '' };
  await does({ groups: { flag, update: { diff: { cabal: { sect: 'vip', diff: { add: vip } } } } } });
  const ids: string[] = [];
  for (const src of [COUNT, DENY, SHOUT]) ids.push((await manage({ add: { name: `model${worlds}`, src } })).id);
  const [count, deny, shout] = ids as [string, string, string];
  const nests: string[] = [];
  for (const [name, seq] of [
    ['one', [count, deny, shout]],
    ['two', [shout, deny, count]],
  ] as const) {
    const nest = `chat/${HOST}/${name}${worlds}`;
    const words = { title: '', description: '', readers: [], writers: [] };
    await does({ channels: { create: { kind: 'chat', name: `${name}${worlds}`, group: flag, ...words } } });
    await manage({ order: { nest, seq: [...seq] } });
    nests.push(nest);
  }
  return { flag, nests, count };
};

type Places = Awaited<ReturnType<typeof makePlaces>>;
type Oracle = ReturnType<typeof createOracle>;
const MISSING = '170141184507313431682019536779450777601';

const postAction = (command: PostCommand, { channels }: Oracle): ActionPost => {
  const { by, text } = command;
  const post = channels[command.nest]?.posts[command.post];
  const id = post?.id ?? MISSING;
  const reply = post?.replies[command.reply]?.id ?? MISSING;
  const { content, author, sent } = essay(text, by);
  const memo = { content, author, sent };
  const react = (of: string) =>
    text === '' ? { 'del-react': { id: of, ship: by } } : { 'add-react': { id: of, ship: by, react: text } };
  if (command.do === 'post') return { add: essay(text, by) };
  if (command.do === 'edit') return { edit: { id, essay: essay(text, by) } };
  if (command.do === 'del') return { del: id };
  if (command.do === 'react') return react(id);
  if (command.do === 'reply') return { reply: { id, action: { add: memo } } };
  if (command.do === 'edit-reply') return { reply: { id, action: { edit: { id: reply, memo } } } };
  return { reply: { id, action: command.do === 'del-reply' ? { del: reply } : react(reply) } };
};

const groupDiff = (command: Exclude<Command, PostCommand>, { nests }: Places): DiffGroups | undefined => {
  const fleet = (ship: string, diff: Extract<DiffGroups, { fleet: unknown }>['fleet']['diff']): DiffGroups => ({
    fleet: { ships: [ship], diff },
  });
  if (command.do === 'join') return fleet(command.by, { add: null });
  if (command.do === 'leave') return fleet(command.by, { del: null });
  if (command.do === 'kick') return fleet(command.ship, { del: null });
  if (command.do === 'ban') return { cordon: { open: { 'add-ships': [command.ship] } } };
  if (command.do === 'unban') return { cordon: { open: { 'del-ships': [command.ship] } } };
  if (command.do === 'give') return fleet(command.ship, { 'add-sects': [command.role] });
  if (command.do === 'take') return fleet(command.ship, { 'del-sects': [command.role] });
  if (command.do !== 'readers') return undefined;
  const diff = command.add ? { 'add-sects': [command.role] } : { 'del-sects': [command.role] };
  return { channel: { nest: nests[command.nest] as string, diff } };
};

const actionOf = (command: Command, places: Places, oracle: Oracle): Action => {
  const nest = 'nest' in command ? (places.nests[command.nest] as string) : '';
  if ('text' in command) return onPost(nest, postAction(command, oracle));
  const diff = groupDiff(command, places);
  if (diff) return { groups: { flag: places.flag, update: { diff } } };
  if (command.do === 'enter') return { channels: { channel: { nest, action: { join: places.flag } } } };
  if (command.do === 'exit') return { channels: { channel: { nest, action: { leave: null } } } };
  const { add, role } = command as Extract<Command, { do: 'writers' }>;
  return { channels: { channel: { nest, action: add ? { 'add-writers': [role] } : { 'del-writers': [role] } } } };
};

const compareReply = (kept: Omit<VReply, 'id'>, model: Reply): void => {
  assert.deepEqual(
    [kept.author, plain(kept.content), kept.revision],
    [model.author, model.text, String(model.revision)],
  );
  compareReacts(kept.reacts, model);
};
const compareReacts = (kept: VReply['reacts'], { reacts }: Reply): void => {
  const modelled = [...reacts].map(([ship, { react, revision }]) => [ship, { react, revision: String(revision) }]);
  assert.deepEqual(kept, Object.fromEntries(modelled));
};

const counted = async ({ count }: Places): Promise<number> => {
  const [row] = await world.rows('select state from script_states where hook = $1', [String(parseUv(count))]);
  return row.state ?? 0;
};

const compare = async (places: Places, oracle: Oracle): Promise<void> => {
  const { fleet, cordon } = await world.group(places.flag);
  const roles = (list: Iterable<string>) => [...list].sort();
  assert.deepEqual(
    Object.fromEntries(Object.entries(fleet).map(([ship, { sects }]) => [ship, roles(sects)])),
    Object.fromEntries([...oracle.members].map(([ship, has]) => [ship, roles(has)])),
  );
  assert.deepEqual('open' in cordon && roles(cordon.open.ships), roles(oracle.banned));
  for (const [index, nest] of places.nests.entries()) {
    const model = oracle.channels[index];
    assert.ok(model);
    assert.deepEqual(roles(await readMembersOf(database, nest, '')), roles(model.joined));
    const kept: VPost[] = await posts(nest);
    assert.deepEqual(
      kept.map(({ seal }) => seal.id),
      model.posts.map(({ id }) => id),
    );
    kept.forEach((post, at) => {
      const wanted = model.posts[at];
      assert.ok(wanted);
      compareReply({ ...post.essay, reacts: post.seal.reacts, revision: post.revision }, wanted);
      for (const reply of wanted.replies) {
        const found = post.seal.replies[withDots(reply.id)];
        if ('gone' in reply) assert.equal(found, null);
        else compareReply(found ?? assert.fail(`the reply ${reply.id} is ${found}`), reply);
      }
      assert.equal(Object.keys(post.seal.replies).length, wanted.replies.length);
    });
  }
  assert.equal(await counted(places), oracle.counted());
};

const SHIPS = [HOST, NEC, FES, BUD] as const;
const by = fc.constantFrom(...SHIPS);
const role = fc.constantFrom(...ROLES);
const nest = fc.nat(1);
const texts = fc.constantFrom('a', 'b', 'up', 'no', 'no up', 'don\'t \\ "x"\n', '');
const on = <Do extends string>(...kinds: Do[]) =>
  fc.record({ do: fc.constantFrom(...kinds), by, nest, post: fc.nat(3), reply: fc.nat(2), text: texts });
const command = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('join', 'join', 'leave'), by }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('kick', 'ban', 'unban', 'unban'), by, ship: by }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('give', 'give', 'take'), by, ship: by, role }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('writers', 'readers'), by, nest, role, add: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('enter', 'enter', 'enter', 'exit'), by, nest }) },
  { weight: 6, arbitrary: on('post', 'post', 'reply', 'edit', 'react') },
  { weight: 4, arbitrary: on('del', 'edit-reply', 'del-reply', 'react-reply') },
) as fc.Arbitrary<Command>;

test('ships, hooks and processes leave behind what a small model of the community says', async () => {
  let processes = [world.community, await world.another()];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(command, fc.nat(1)), { minLength: 10, maxLength: 60 }),
      fc.boolean(),
      async (commands, isReplaced) => {
        const places = await makePlaces();
        const oracle = createOracle(HOST);
        // Most of what can happen needs members.
        const begin = [NEC, FES].flatMap((ship): Command[] => [
          { do: 'join', by: ship },
          { do: 'enter', by: ship, nest: 0 },
          { do: 'enter', by: ship, nest: 1 },
        ]);
        for (const [asked, number] of [...begin.map((one) => [one, 0] as const), ...commands]) {
          // A reaction that is taken back has no text, and no other thing has none.
          const isEmpty = 'text' in asked && asked.text === '' && !asked.do.startsWith('react');
          const one = isEmpty ? ({ ...asked, text: 'a' } as Command) : asked;
          const process = processes[number] ?? world.community;
          const result = await process.act(actionOf(one, places, oracle), { actor: one.by });
          const id = result.kind === 'done' ? (result.id ?? '') : '';
          assert.equal(result.kind, oracle.act(one, id), JSON.stringify([one, result]));
        }
        await compare(places, oracle);
        if (isReplaced) processes = [world.community, await world.another()];
      },
    ),
    { numRuns: roundsOf(100) },
  );
});

test('posts at once through two processes are all there, and each was counted once', async () => {
  const places = await makePlaces();
  const processes = [world.community, await world.another()];
  const posted = Array.from({ length: 60 }, (_, index) => {
    const there = places.nests[index % 2] as string;
    return processes[(index >> 1) % 2]?.act(onPost(there, { add: essay(`p${index}`, HOST) }), { actor: HOST });
  });
  for (const result of await Promise.all(posted)) assert.equal(result?.kind, 'done');
  const all = (await Promise.all(places.nests.map((there) => posts(there)))).flat();
  assert.equal(new Set(all.map(({ essay: { content } }) => plain(content))).size, 60);
  assert.equal(await counted(places), 60);
  for (const there of places.nests) {
    const numbers = (await readKeptRange(world.database, there, 1, 100)).map(({ seq }) => seq);
    assert.deepEqual(
      numbers,
      Array.from({ length: numbers.length }, (_, index) => numbers.length - index),
    );
  }
});
