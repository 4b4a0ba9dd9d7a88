// What a ship reads of channels, does in them and hears of them.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../../test/support/wait.ts';
import type { Change } from '../../../community/changes/change.ts';
import { idFromMillis, withDots } from '../../../community/schema/id.ts';
import { BUD, createWorld, FES, GROUP, LOUNGE, NEC, withLounge, ZOD } from '../../../community/test-support/world.ts';
import { statement } from '../../../database/statement.ts';
import { createActAs } from '../acting.ts';
import type { Fact, Watcher } from '../agent.ts';
import { createHooksPreview } from '../hooks/hooks-preview.ts';
import { createChannelsAgent } from './channels.ts';

const world = await createWorld(lastFirst({ after }));
const { database, clock } = world;
await withLounge(world, [NEC, BUD]);
const agent = createChannelsAgent({
  ...{ database, actAs: createActAs(world.community.act) },
  previewHooks: createHooksPreview(database, { preview: async (nest) => [{ name: 'of', meta: { title: nest } }] }),
});
const takeChanges = statement<{ changes: Change[] }>(
  'test.take-changes',
  'with taken as (delete from community_changes returning id, changes) select changes from taken order by id',
);

type Shown = {
  readonly seal: { readonly id: string; readonly seq: number };
  readonly type: string;
  readonly essay?: { readonly content: unknown };
};
type Page = {
  readonly posts: Readonly<Record<string, Shown>>;
  readonly newer: string | null;
  readonly older: string | null;
  readonly newest: number;
  readonly total: number;
};

const scry = async <T>(path: string, ship: string = NEC): Promise<T> => (await agent.scry?.(path, ship)) as T;
const posts = (verb: string, ship: string = NEC) => scry<Page>(`/v5/${LOUNGE}/posts/${verb}`, ship);
const pokeIn = async (nest: string, action: unknown, ship: string = NEC) => {
  await clock.advance(1000);
  return agent.poke?.('channel-action-2', { channel: { nest, action } }, ship);
};
const poke = (action: unknown, ship: string = NEC) => pokeIn(LOUNGE, action, ship);
const does = async (action: unknown, ship: string = NEC) =>
  assert.deepEqual(await poke(action, ship), { kind: 'done' });
const essayOf = (text: string, author: string = NEC) => ({
  ...{ content: [{ inline: [text] }], author, sent: clock.now() },
  ...{ kind: '/chat', meta: null, blob: null },
});
/** Answers the id of the post, in digits. */
const send = async (text: string, ship: string = NEC): Promise<string> => {
  await does({ post: { add: essayOf(text, ship) } }, ship);
  return Object.values((await posts('newest/1/post')).posts)[0]?.seal.id ?? assert.fail('no post');
};
const replyTo = async (id: string, text: string, ship: string = NEC) => {
  const { content, author, sent } = essayOf(text, ship);
  await does({ post: { reply: { id, action: { add: { content, author, sent, blob: null } } } } }, ship);
};
const told = async (ships: readonly string[], path = '/v4'): Promise<[string, Fact][]> => {
  const watchers: Watcher[] = ships.map((ship) => ({ ship, path }));
  const changes = (await database.query(takeChanges)).flatMap((row) => row.changes);
  return ((await agent.factsOf?.(changes, watchers)) ?? []).map(({ watcher, fact }) => [watcher.ship, fact]);
};
const forget = () => database.query(takeChanges);
const response = (fact: object, nest = LOUNGE): Fact => ({
  mark: 'channel-response-5',
  json: { nest, response: fact },
});
const textsIn = ({ posts: shown }: Page) =>
  Object.values(shown).map((post) => (post.essay ? String(Object(post.essay.content)[0].inline[0]) : post.type));

describe('the posts of a channel', () => {
  it('have numbers without gaps, and a deleted one keeps its own', async () => {
    const ids = [];
    for (const text of ['one', 'two', 'three', 'four', 'five']) ids.push(await send(text));
    await does({ post: { del: ids[2] } });
    const page = await posts('newest/3/post', BUD);
    assert.deepEqual(textsIn(page), ['tombstone', 'four', 'five']);
    const { seal, ...shown } = page.posts[withDots(ids[4] as string)] ?? assert.fail('no post');
    assert.deepEqual(seal, {
      ...{ id: ids[4], seq: 5, 'mod-at': ids[4], reacts: {}, replies: {} },
      meta: { replyCount: 0, lastReply: null, lastRepliers: [] },
    });
    assert.deepEqual(shown, { revision: '0', essay: { ...essayOf('five'), sent: clock.now() - 2000 }, type: 'post' });
    assert.deepEqual(page.posts[withDots(ids[2] as string)], {
      ...{ id: ids[2], author: NEC, seq: 3, 'deleted-at': clock.now(), type: 'tombstone' },
    });
    assert.deepEqual([page.older, page.newer, page.newest, page.total], [ids[2], null, 5, 5]);
  });

  it('are read in all directions, and each page says where to go on', async () => {
    const all = await posts('newest/100/outline');
    const [one, two, three, four, five] = Object.keys(all.posts);
    assert.deepEqual([all.older, all.newer], [null, null]);
    const keys = async (verb: string) => Object.keys((await posts(verb)).posts);
    assert.deepEqual(await keys(`older/${three}/1/post`), [two]);
    assert.deepEqual(await keys(`newer/${three}/9/outline`), [four, five]);
    assert.deepEqual(await keys(`around/${three}/1/post`), [two, three, four]);
    assert.deepEqual(await keys('range/2/3/post'), [two, three]);
    const older = await posts(`older/${three}/1/post`);
    assert.deepEqual(await keys(`older/${older.older}/5/post`), [one]);
    assert.deepEqual(await keys(`newer/${older.newer}/5/post`), [three, four, five]);
    const third = String(three).replaceAll('.', '');
    assert.equal((await scry<Shown>(`/v5/${LOUNGE}/posts/post/${three}`)).type, 'tombstone');
    assert.equal((await scry<Shown>(`/v5/${LOUNGE}/posts/post/${third}`)).type, 'tombstone');
    for (const path of ['newest', 'newest/0/post', 'newest/x/post', 'newest/1/none', 'older/x/1/post', 'up/1/1/post']) {
      assert.equal(await posts(path), undefined, path);
    }
    assert.equal(await scry(`/v5/${LOUNGE}/posts/post/170141184475152167957503069145530368000`), undefined);
  });

  it('have their replies and what is told of these', async () => {
    const id = await send('to be answered');
    await replyTo(id, 'first', BUD);
    await replyTo(id, 'second', NEC);
    await replyTo(id, 'third', BUD);
    const { posts: shown } = await posts('newest/1/post');
    const { seal } = shown[withDots(id)] as unknown as { seal: { replies: Record<string, unknown>; meta: unknown } };
    const [, second, third] = Object.values(seal.replies) as { seal: { id: string } }[];
    assert.deepEqual(seal.meta, { replyCount: 3, lastReply: clock.now(), lastRepliers: [BUD, NEC] });
    assert.deepEqual(third, {
      seal: { id: third?.seal.id, 'parent-id': id, reacts: {} },
      revision: '0',
      'reply-essay': { content: [{ inline: ['third'] }], author: BUD, sent: clock.now() - 1000, blob: null },
    });
    await does({ post: { reply: { id, action: { del: second?.seal.id } } } });
    const after = (await scry(`/v5/${LOUNGE}/posts/post/${id}`)) as { seal: { replies: object; meta: object } };
    assert.deepEqual(Object.values(after.seal.replies)[1], {
      ...{ id: second?.seal.id, author: NEC, seq: 0, 'deleted-at': clock.now(), type: 'tombstone' },
    });
    assert.deepEqual(after.seal.meta, { replyCount: 2, lastReply: clock.now() - 1000, lastRepliers: [BUD] });
    const outline = await posts('newest/1/outline');
    assert.deepEqual(Object(outline.posts[withDots(id)]?.seal).replies, {});
  });

  it('are those that changed after a moment', async () => {
    const [first] = Object.keys((await posts('newest/100/outline')).posts);
    await send('before');
    const [since, whenEdited] = [String(idFromMillis(clock.now() + 500)), clock.now() + 1000];
    await does({ post: { edit: { id: first, essay: essayOf('edited') } } });
    await send('after');
    const changed = await posts(`changes/${first}/${withDots(String(idFromMillis(clock.now())))}/${withDots(since)}`);
    assert.deepEqual(textsIn(changed), ['edited', 'after']);
    assert.equal(Object(changed.posts[first as string]?.seal)['mod-at'], String(idFromMillis(whenEdited)));
    const da = '~2000.1.1..12.00.00';
    assert.ok(textsIn(await posts(`changes/${first}/${withDots(String(idFromMillis(clock.now())))}/${da}`)).length > 5);
  });

  it('are nothing to a ship that may not read the channel, as if there was none', async () => {
    for (const path of ['posts/newest/1/post', 'perm', 'search/bounded/text//500/~~a']) {
      assert.equal(await scry(`/v5/${LOUNGE}/${path}`, FES), undefined);
      assert.equal(await scry(`/v5/chat/~zod/nowhere/${path}`, FES), undefined);
    }
    assert.deepEqual(await scry(`/v5/${LOUNGE}/perm`), { writers: [], group: GROUP });
  });
});

describe('a client that is older than numbers', () => {
  it('reads the same posts in its own words', async () => {
    const id = await send('for all ages');
    await replyTo(id, 'an answer for all ages');
    const gone = await send('gone');
    await does({ post: { del: gone } });
    const older = Object(await scry(`/v3/${LOUNGE}/posts/newest/2/post`));
    const newer = Object(await scry(`/v4/${LOUNGE}/posts/newest/2/post`));
    const { seal, essay } = newer.posts[withDots(id)];
    assert.equal(older.posts[withDots(gone)], null);
    assert.deepEqual(older.posts[withDots(id)].essay, {
      ...{ content: essay.content, author: NEC, sent: essay.sent, 'kind-data': { chat: null } },
    });
    const memoOf = (post: { seal: { replies: object } }) => Object.values(post.seal.replies)[0].memo;
    const [reply] = Object.values<{ 'reply-essay': { blob: null } }>(seal.replies);
    const { blob: _, ...memo } = reply?.['reply-essay'] ?? assert.fail('no reply');
    assert.deepEqual(memoOf(older.posts[withDots(id)]), memo);
    assert.equal(await scry(`/v3/${LOUNGE}/posts/post/${gone}`), undefined);
    assert.deepEqual(memoOf(await scry(`/v2/${LOUNGE}/posts/post/${id}`)), memo);
    const found = Object(await scry(`/v1/${LOUNGE}/search/bounded/text//9/~~all.ages`)).scan;
    assert.deepEqual(
      [found[0].reply.reply.memo, Object.keys(found[1].post.essay).toSorted()],
      [...[memo, ['author', 'content', 'kind-data', 'sent']]],
    );
    assert.deepEqual(await scry(`/v2/${LOUNGE}/perm`), await scry(`/v5/${LOUNGE}/perm`));
  });
});

describe('a search', () => {
  const search = (rest: string) =>
    scry<{ last: string | null; scan: Record<string, unknown>[] }>(`/v5/${LOUNGE}/search/${rest}`);

  it('finds posts and replies, newest first, and goes on where it ended', async () => {
    const id = await send('A Needle, in a haystack');
    await replyTo(id, 'another needle');
    for (let more = 0; more < 3; more += 1) await send('hay');
    const found = await search('bounded/text//500/~~needle');
    assert.deepEqual(
      found.scan.map((one) => Object.keys(one)[0]),
      ['reply', 'post'],
    );
    assert.equal(Object(found.scan[0]?.reply)['id-post'], id);
    assert.equal(Object(Object(found.scan[1]?.post).seal).meta.replyCount, 1);
    assert.equal(found.last, null);
    assert.equal((await search('bounded/text//500/~~~41..needle~2c.')).scan.length, 1);
    const begun = await search('bounded/text//3/~~needle');
    assert.deepEqual(begun.scan, []);
    const next = await search(`bounded/text/${withDots(begun.last as string)}/1/~~needle`);
    assert.deepEqual(
      next.scan.map((one) => Object.keys(one)[0]),
      ['reply'],
    );
    assert.deepEqual(await search('text/1/1/~~needle'), [found.scan[1]]);
    assert.equal(await search('bounded/text/x/3/~~a'), undefined);
    assert.equal(await search('bounded/ship//3/~~a'), undefined);
  });

  it('finds messages of one moment in one window', async () => {
    const id = await send('twins: first');
    const asked = { content: [{ inline: ['twins: second'] }], author: NEC, sent: 1, blob: null };
    const frame = { channel: { nest: LOUNGE, action: { post: { reply: { id, action: { add: asked } } } } } };
    assert.deepEqual(await agent.poke?.('channel-action-2', frame, NEC), { kind: 'done' });
    const found = await search('bounded/text//1/~~twins');
    assert.equal(found.scan.length, 2);
  });

  it('finds who was mentioned', async () => {
    await does({ post: { add: { ...essayOf(''), content: [{ inline: [{ ship: '~fes' }] }] } } });
    assert.equal((await search('bounded/mention//500/~fes')).scan.length, 1);
    assert.equal((await search('bounded/mention//500/~nec')).scan.length, 0);
  });
});

describe('who watches channels', () => {
  it('hears of each post and reply what its commit made of it, and nobody else does', async () => {
    await forget();
    const id = await send('news');
    await does({ post: { 'add-react': { id, react: '👍', ship: BUD } } }, BUD);
    await does({ post: { edit: { id, essay: essayOf('better news') } } });
    await replyTo(id, 'well', BUD);
    await does({ post: { 'del-react': { id, ship: BUD } } }, BUD);
    await does({ post: { del: id } });
    const facts = await told([NEC, FES, BUD]);
    assert.deepEqual(
      facts.filter(([ship]) => ship === FES),
      [],
    );
    const [posted, ...others] = facts.filter(([ship]) => ship === BUD).map(([, fact]) => Object(fact.json).response);
    assert.equal(posted.post['r-post'].set.essay.content[0].inline[0], 'news');
    const what = (fact: { post?: { id: string; 'r-post': object } }) => {
      if (!fact.post) return Object.keys(fact)[0];
      assert.equal(fact.post.id, id);
      return fact.post['r-post'];
    };
    const [reacted, edited, pending, replied, unreacted, deleted] = others.map(what) as Record<string, unknown>[];
    assert.deepEqual(reacted, { reacts: { [BUD]: '👍' } });
    assert.equal(Object(edited?.essay).content[0].inline[0], 'better news');
    assert.equal(pending, 'pending');
    const { reply } = Object(replied);
    assert.equal(reply['r-reply'].set['reply-essay'].author, BUD);
    assert.equal(reply.meta.lastRepliers[0], BUD);
    assert.deepEqual(unreacted, { reacts: {} });
    assert.deepEqual(deleted, {
      set: { id, author: NEC, seq: posted.post['r-post'].set.seal.seq, 'deleted-at': clock.now(), type: 'tombstone' },
    });
    const pendingOf = (ship: string) => facts.filter(([to, { json }]) => to === ship && Object(json).response.pending);
    assert.deepEqual(pendingOf(NEC).length, 1);
    assert.deepEqual(Object(pendingOf(BUD)[0]?.[1].json).response.pending, {
      id: { author: BUD, sent: clock.now() - 3000 },
      pending: { reply: { top: id, meta: reply.meta, 'reply-essay': reply['r-reply'].set['reply-essay'] } },
    });
  });

  it('hears of channels that are made and changed', async () => {
    await forget();
    const create = { kind: 'heap', group: GROUP, name: 'new', title: 'N', description: '', meta: '{"v":1}' };
    const made = await agent.poke?.(
      'channel-action-2',
      { create: { ...create, readers: [], writers: ['admin'] } },
      ZOD,
    );
    assert.deepEqual(made, { kind: 'done' });
    const nest = 'heap/~zod/new';
    const heard = await told([ZOD, NEC]);
    const created = response({ create: { writers: ['admin'], group: GROUP } }, nest);
    assert.deepEqual(heard.find(([ship]) => ship === ZOD)?.[1], created);
    for (const ship of [NEC, ZOD]) await pokeIn(nest, { join: GROUP }, ship);
    await forget();
    for (const action of [
      ...[{ view: 'list' }, { sort: 'arranged' }, { order: ['170.141'] }, { meta: null }],
      ...[{ 'add-writers': ['poet'] }, { 'del-writers': ['poet'] }, { view: 'list' }],
    ]) {
      assert.deepEqual(await pokeIn(nest, action, ZOD), { kind: 'done' });
    }
    const perm = (writers: string[]) => ({ perm: { writers, group: GROUP } });
    assert.deepEqual(
      (await told([NEC])).map(([, fact]) => fact),
      [
        ...[{ view: 'list' }, { sort: 'arranged' }, { order: ['170.141'] }, { meta: null }],
        ...[perm(['admin', 'poet']), perm(['admin'])],
      ].map((one) => response(one, nest)),
    );
    assert.deepEqual(Object(await scry('/v5/channels'))[nest], {
      ...{ posts: {}, count: 0, order: ['170.141'], view: 'list', sort: 'arranged', meta: null },
      ...{ perms: perm(['admin']).perm, pending: { posts: {}, replies: {} } },
    });
  });

  it('hears what it does itself', async () => {
    await forget();
    const id = '170.141.184.507.313.431.682.019.536.779.450.777.600';
    const own = [
      { read: null },
      { 'read-at': id },
      { watch: null },
      { unwatch: null },
      { leave: null },
      { join: GROUP },
    ];
    for (const action of own) await does(action);
    for (const toggle of [{ hide: id }, { show: id }, { hide: id }]) {
      assert.deepEqual(await agent.poke?.('channel-action-2', { 'toggle-post': toggle }, NEC), { kind: 'done' });
    }
    assert.deepEqual(
      (await told([NEC, BUD, ZOD])).map(([ship, fact]) => [ship, fact]),
      [
        ...own.map((one) => response(one)),
        ...[{ hide: id }, { show: id }, { hide: id }].map((json) => ({ mark: 'toggle-post', json })),
      ].map((fact) => [NEC, fact]),
    );
    assert.deepEqual(await scry('/hidden-posts'), [id]);
  });

  it('hears nothing on paths that say nothing', async () => {
    await send('nobody listens');
    assert.deepEqual(await told([NEC], '/v1/else'), []);
    assert.deepEqual(await agent.watch?.('/v1/else', NEC), { kind: 'watching' });
    assert.deepEqual(await agent.watch?.('/v4', FES), { kind: 'watching' });
  });
});

describe('a citation', () => {
  it('shows the post or reply to whoever may read it', async () => {
    const id = await send('to be cited');
    await replyTo(id, 'cite me');
    const fact = async (rest: string, ship: string) => {
      const watched = await agent.watch?.(`/v5/said/~zod/${LOUNGE}/post/${rest}`, ship);
      return watched?.kind === 'once' ? watched.fact : assert.fail('no fact');
    };
    const { mark, json } = await fact(id, BUD);
    assert.equal(mark, 'channel-said-3');
    assert.equal(Object(json).nest, LOUNGE);
    assert.equal(Object(json).reference.post.seal.meta.replyCount, 1);
    const post = Object(await scry(`/v5/${LOUNGE}/posts/post/${id}`));
    const reply = Object.values(post.seal.replies)[0] as Shown;
    const cited = Object((await fact(`${withDots(id)}/${withDots(reply.seal.id)}`, BUD)).json);
    assert.deepEqual(cited.reference, { reply: { 'id-post': id, reply } });
    await does({ post: { del: id } });
    const denied = { mark: 'channel-denied', json: null };
    assert.deepEqual(await fact(`${withDots(id)}/${withDots(reply.seal.id)}`, BUD), denied);
    assert.equal(Object((await fact(id, BUD)).json).reference.post.type, 'tombstone');
    assert.deepEqual(await fact(id, FES), denied);
    assert.deepEqual(await fact('170141184475152167957503069145530368000', BUD), denied);
  });
});

describe('the hooks of a channel', () => {
  it('are shown to whoever may read it', async () => {
    const path = `/v1/hooks/preview/${LOUNGE}`;
    const shown = [{ name: 'of', meta: { title: LOUNGE } }];
    assert.deepEqual(await agent.watch?.(path, NEC), { kind: 'once', fact: { json: shown } });
    assert.deepEqual(await agent.watch?.(path, FES), { kind: 'once', fact: { json: [] } });
  });
});

describe('what a client may not do', () => {
  it('is refused in one line', async () => {
    const cases: [unknown, RegExp][] = [
      [{ post: { add: essayOf('forged', BUD) } }, /^You can write in your own name only\.$/],
      [
        { post: { add: { ...essayOf('x'), kind: '/poll' } } },
        /^\/channels\/channel\/action\/post\/add\/kind-data is missing$/,
      ],
      [{ post: null }, /must be an object/],
      [{ view: 'list' }, /^Only admins/],
      [null, /must be an object/],
    ];
    for (const [action, reason] of cases) {
      const result = await poke(action);
      assert.equal(result?.kind, 'refused');
      assert.match(result?.kind === 'refused' ? result.reason : '', reason);
    }
    assert.equal((await agent.poke?.('channel-action-2', 5, NEC))?.kind, 'refused');
    assert.equal(await agent.poke?.('channel-action-9', {}, NEC), undefined);
  });

  it('is done in the words of older clients, too', async () => {
    const memo = { content: [{ inline: ['old'] }], author: NEC, sent: 1 };
    const add = { ...memo, 'kind-data': { chat: null } };
    const asked = { channel: { nest: LOUNGE, action: { post: { add } } } };
    await clock.advance(1000);
    assert.deepEqual(await agent.poke?.('channel-action', asked, NEC), { kind: 'done' });
    assert.deepEqual(textsIn(await posts('newest/1/post')), ['old']);
  });
});

describe('all channels of a ship', () => {
  it('are read in bounds: of more than 4 MB the largest are left out', async () => {
    const order = Array.from({ length: 10_000 }, (_, n) => String(10n ** 44n + BigInt(n)));
    const made = Array.from({ length: 10 }, (_, n) => `large${n}`);
    for (const name of made) {
      const words = { kind: 'chat', group: GROUP, title: name, description: '', readers: [], writers: [] };
      await world.act(ZOD, { channels: { create: { ...words, name } } });
      await world.act(ZOD, { channels: { channel: { nest: `chat/${ZOD}/${name}`, action: { order } } } });
    }
    const read = (await agent.scry?.('/channels', ZOD)) as object;
    const large = Object.keys(read).filter((nest) => nest.includes('/large'));
    assert.equal(large.length, 8);
    assert.ok(LOUNGE in read);
  });
});
