// How much there can be in a channel, and how much of it is read at once.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { statement } from '../../database/statement.ts';
import { createPlaceReads } from '../api/place-reads.ts';
import { createWorld, GROUP, LOUNGE, memoOf, NEC, withLounge, ZOD } from '../test-support/world.ts';
import { readHiddenPosts } from './membership-store.ts';
import { storePosts } from './post-store.ts';

const world = await createWorld(lastFirst({ after }));
const { act, refusal, database } = world;
const { post, reply, inLounge } = await withLounge(world, [NEC]);
const places = createPlaceReads(database);
const inChannel = (action: unknown) => ({ channels: { channel: { nest: LOUNGE, action } } });
const hideMany = statement('test.hide-many', 'insert into hidden_posts select $1, generate_series(1, $2)');
const LARGE = 'x'.repeat(250_000);

describe('a page of posts', () => {
  it('has about 4 MB with the replies, and one post at least', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 10; i += 1) ids.push(await post(ZOD, LARGE));
    for (let i = 0; i < 10; i += 1) await reply(NEC, ids[8] as string, LARGE);
    for (let i = 0; i < 15; i += 1) await reply(NEC, ids[2] as string, LARGE);
    const read = async (before?: string) =>
      (await places.posts(NEC, LOUNGE, { before, limit: 50 })).map(({ seal }) => ids.indexOf(seal.id));
    assert.deepEqual(await read(), [9, 8, 7, 6, 5, 4]);
    assert.deepEqual(await read(ids[4]), [3]);
    assert.deepEqual(await read(ids[3]), [2]);
    assert.deepEqual(await read(ids[2]), [1, 0]);
  });
});

describe('a post', () => {
  it('has at most 5,000 replies', async () => {
    const id = await post(ZOD, 'a thread');
    const last = await reply(NEC, id, 'one');
    const doc = { id: '1', revision: '0', reacts: {}, ...memoOf(NEC, 'more') };
    const replies = Array.from({ length: 4_998 }, (_, n) => ({
      post: id,
      id: String(n + 1),
      author: NEC,
      doc,
      modified: null,
    }));
    await database.transaction((tx) => storePosts(tx, [{ nest: LOUNGE, did: 'add', replies }]));
    await reply(ZOD, id, 'the last');
    const one = (action: unknown) => inLounge({ reply: { id, action } });
    assert.equal(await refusal(NEC, one({ add: memoOf(NEC, 'no') })), 'A post has at most 5000 replies.');
    await act(NEC, one({ edit: { id: last, memo: memoOf(NEC, 'edited') } }));
    await act(NEC, inLounge({ del: await post(NEC, 'another') }));
  });
});

describe('a post with its replies and reactions', () => {
  const one = (id: string, action: unknown) => inLounge({ reply: { id, action } });
  const tooLarge = /^With its replies and reactions it has \d+ bytes, and at most 4194304 are taken\.$/;

  it('has at most 4 MB, whatever is added, edited or said of it', async () => {
    const id = await post(NEC, 'a thread');
    const small = await reply(NEC, id, 'small');
    for (let i = 0; i < 16; i += 1) await reply(NEC, id, LARGE);
    const last = await reply(NEC, id, 'x'.repeat(191_600));
    const essay = { ...memoOf(NEC, LARGE), 'kind-data': { chat: null } };
    assert.match(await refusal(NEC, one(id, { add: memoOf(NEC, LARGE) })), tooLarge);
    assert.match(await refusal(NEC, one(id, { edit: { id: small, memo: memoOf(NEC, LARGE) } })), tooLarge);
    assert.match(await refusal(NEC, inLounge({ edit: { id, essay } })), tooLarge);
    await act(NEC, one(id, { edit: { id: last, memo: memoOf(NEC, 'x'.repeat(190_000)) } }));
    await act(NEC, inLounge({ 'add-react': { id, ship: NEC, react: 'x' } }));
    await act(NEC, one(id, { edit: { id: last, memo: memoOf(NEC, 'x'.repeat(191_600)) } }));
    const react = { ship: NEC, react: 'x'.repeat(256) };
    assert.match(await refusal(NEC, inLounge({ 'add-react': { id, ...react } })), tooLarge);
    assert.match(await refusal(NEC, one(id, { 'add-react': { id: small, ...react } })), tooLarge);
    await act(NEC, one(id, { del: last }));
    await act(NEC, inLounge({ edit: { id, essay: { ...essay, ...memoOf(NEC, 'there is room') } } }));
    const kept = JSON.stringify(await places.post(NEC, LOUNGE, id));
    assert.ok(kept.length > 4_000_000 && kept.length < 4_194_304);
  });
});

describe('a ship', () => {
  it('hides at most 10,000 posts', async () => {
    const toggle = (action: unknown) => ({ channels: { 'toggle-post': action } });
    await database.query(hideMany, [NEC, 9_999]);
    const results = await Promise.all(
      ['10000', '10001', '10002', '10003'].map((hide) => world.attempt(NEC, toggle({ hide }))),
    );
    assert.equal(results.filter(({ kind }) => kind === 'done').length, 1);
    assert.equal(await refusal(NEC, toggle({ hide: '10004' })), 'A ship hides at most 10000 posts.');
    await act(NEC, toggle({ hide: '5' }));
    await act(NEC, toggle({ show: '5' }));
    await act(NEC, toggle({ hide: '10004' }));
    assert.equal((await readHiddenPosts(database, NEC)).length, 10_000);
  });
});

describe('a channel', () => {
  it('has at most 1,000 roles that write', async () => {
    const writers = Array.from({ length: 1_001 }, (_, n) => `role-${n}`);
    const tooMany = 'A channel has at most 1000 roles that write.';
    const channel = { kind: 'chat', group: GROUP, title: '', description: '', readers: [] };
    assert.equal(await refusal(ZOD, { channels: { create: { ...channel, name: 'many', writers } } }), tooMany);
    await act(ZOD, inChannel({ 'add-writers': writers.slice(1) }));
    assert.equal(await refusal(ZOD, inChannel({ 'add-writers': writers })), tooMany);
    await act(ZOD, inChannel({ 'del-writers': writers }));
  });
});
