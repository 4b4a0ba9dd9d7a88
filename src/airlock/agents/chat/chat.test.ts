// The agent of conversations: what one ship does, as another one reads it and is told of it.
import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { lastFirst } from '../../../../test/support/wait.ts';
import type { Change } from '../../../community/changes/change.ts';
import { addChats } from '../../../community/chat/chat-store.ts';
import { messageId, timeOfMessage } from '../../../community/chat/message.ts';
import { withDots } from '../../../community/schema/id.ts';
import { uvText } from '../../../community/schema/uv.ts';
import { BUD, CLUB, createWorld, FES, META, NEC, type World, ZOD } from '../../../community/test-support/world.ts';
import { statement } from '../../../database/statement.ts';
import { createActAs } from '../acting.ts';
import type { Agent, Watcher } from '../agent.ts';
import { createChat } from './chat.ts';
import { chatInit, readLists } from './init.ts';

const cleanup = lastFirst({ after });
let world: World;
let agent: Required<Omit<Agent, 'watch'>>;
beforeEach(async () => {
  world = await createWorld(cleanup);
  agent = createChat({ ...world, actAs: createActAs(world.community.act) }) as typeof agent;
});

const poke = async (ship: string, mark: string, json: unknown): Promise<string> => {
  const result = await agent.poke(mark, json, ship);
  return result === undefined ? 'no such mark' : result.kind === 'done' ? 'done' : result.reason;
};
const memo = (author: string, text: string) => ({ content: [{ inline: [text] }], author, sent: 1, blob: null });
const essay = (author: string, text: string) => ({ ...memo(author, text), kind: '/chat', meta: null });
const dm = (ship: string, from: string, id: string, delta: unknown) =>
  poke(from, 'chat-dm-action-2', { ship, diff: { id, delta } });
const say = async (from: string, to: string, text: string): Promise<string> => {
  const id = await world.nextId(from);
  const add = { essay: essay(from, text), time: null };
  assert.equal(
    await (to.startsWith('~')
      ? dm(to, from, id, { add })
      : poke(from, 'chat-club-action-2', { id: to, diff: { uid: '0v4', delta: { writ: { id, delta: { add } } } } })),
    'done',
  );
  return id;
};
const reply = async (from: string, to: string, parent: string, text: string): Promise<string> => {
  const id = await world.nextId(from);
  const add = { 'reply-essay': memo(from, text), time: null };
  assert.equal(await dm(to, from, parent, { reply: { id, meta: null, delta: { add } } }), 'done');
  return id;
};
type Page = { writs: Record<string, { seal: { id: string; seq: number }; type: string; id?: string }> } & Record<
  string,
  unknown
>;
const page = async (ship: string, path: string) => (await agent.scry(path, ship)) as Page | undefined;
const idsIn = (found: Page | undefined) => Object.values(found?.writs ?? {}).map(({ seal, id }) => seal?.id ?? id);

const listChanges = statement<{ changes: Change[] }>(
  'test.changes-for-facts',
  'select changes from community_changes order by id',
);
/** What these are told of all that happened. */
const told = async (...watchers: Watcher[]) => {
  const changes = (await world.database.query(listChanges, [])).flatMap((row) => row.changes);
  return (await agent.factsOf(changes, watchers)).map(({ watcher, fact }) => [watcher.ship, fact.mark, fact.json]);
};

describe('a ship reads', () => {
  it('its messages with their numbers, replies and reactions, and the other one the same', async () => {
    const id = await say(ZOD, NEC, 'hi');
    const answer = await reply(NEC, ZOD, id, 'yes');
    assert.equal(await dm(ZOD, NEC, id, { 'add-react': { author: NEC, react: '👍' } }), 'done');
    const time = timeOfMessage(id) as string;
    const shown = {
      seal: {
        ...{ id, seq: 1, time, reacts: { [NEC]: '👍' } },
        replies: {
          [withDots(timeOfMessage(answer) as string)]: {
            seal: { id: answer, 'parent-id': id, time: timeOfMessage(answer), reacts: {} },
            'reply-essay': memo(NEC, 'yes'),
          },
        },
        meta: { replyCount: 1, lastReply: world.clock.now(), lastRepliers: [NEC] },
      },
      essay: essay(ZOD, 'hi'),
      type: 'post',
    };
    const all = { writs: { [withDots(time)]: shown }, newer: null, older: null, newest: 1, total: 1 };
    assert.deepEqual(await page(ZOD, '/v4/dm/~nec/writs/newest/20/heavy'), all);
    assert.deepEqual(await page(NEC, '/v4/dm/~zod/writs/newest/20/heavy'), all);
    assert.deepEqual(await page(NEC, `/v4/dm/~zod/writs/writ/id/${id}`), shown);
    const light = { ...shown, seal: { ...shown.seal, replies: {} } };
    assert.deepEqual(await page(NEC, '/v4/dm/~zod/writs/newest/20/light'), {
      ...all,
      writs: { [withDots(time)]: light },
    });
  });

  it('pages from any message on, and by number; what was deleted stands there as deleted', async () => {
    const ids: string[] = [];
    for (const text of '12345') ids.push(await say(ZOD, NEC, text));
    assert.equal(await dm(NEC, ZOD, ids[1] as string, { del: null }), 'done');
    const cursor = (ids[2] as string).slice(5);
    const of = (path: string) => page(NEC, `/v4/dm/~zod/writs/${path}`);
    const newest = await of('newest/2/light');
    assert.deepEqual([idsIn(newest), newest?.newer], [ids.slice(3), null]);
    assert.deepEqual(idsIn(await of(`older/${withDots(newest?.older as string)}/2/light`)), ids.slice(1, 3));
    assert.deepEqual(idsIn(await of(`older/${cursor}/9/light`)), ids.slice(0, 2));
    assert.deepEqual(idsIn(await of(`newer/${cursor}/9/light`)), ids.slice(3));
    assert.deepEqual(idsIn(await of(`around/${cursor}/3/light`)), ids.slice(1, 4));
    const range = await of('range/1/3/light');
    assert.deepEqual(idsIn(range), ids.slice(0, 3));
    assert.deepEqual(Object.values(range?.writs ?? {})[1], {
      ...{ id: ids[1], author: ZOD, seq: 2, type: 'tombstone', 'deleted-at': world.clock.now() },
    });
    assert.equal(await of(`writ/id/${ids[1]}`), undefined);
    for (const path of ['range/1/99999999999999', 'newest/0/light', 'newest/x/light', 'older/x/5/light']) {
      assert.ok(await of(path), path);
    }
    for (const path of ['elsewhere/5', 'writ/id/~nec', 'writ/id/x/1']) assert.equal(await of(path), undefined, path);
  });

  it('messages in the older shapes, too', async () => {
    const id = await say(ZOD, NEC, 'hi');
    const { blob: _, ...written } = memo(ZOD, 'hi');
    const found = (await page(NEC, `/dm/~zod/writs/writ/id/${id}`)) as unknown as Record<string, unknown>;
    assert.deepEqual(found.essay, { ...written, 'kind-data': { chat: null } });
    await dm(NEC, ZOD, id, { del: null });
    const { writs } = (await page(NEC, '/v1/dm/~zod/writs/newest/5/heavy')) as Page;
    assert.deepEqual(Object.values(writs), [null]);
  });

  it('what it searches for: text and mentions, in messages and replies, the newest first', async () => {
    const first = await say(ZOD, NEC, 'Hello, x/y');
    await say(ZOD, NEC, 'something else');
    const last = await reply(NEC, ZOD, first, 'HELLO, X/Y too');
    const search = async (path: string) =>
      (await page(NEC, `/dm/~zod/search/bounded/${path}`)) as Record<string, unknown>;
    const all = await search('text//500/~~~48.ello~2c..x~2f.y');
    const shown = JSON.parse(JSON.stringify(all)) as {
      last: null;
      scan: { writ?: { seal: { id: string } }; reply?: { 'id-post': string; reply: { seal: { id: string } } } }[];
    };
    assert.equal(shown.last, null);
    assert.deepEqual(
      shown.scan.map(({ writ, reply: found }) => [writ?.seal.id, found?.['id-post'], found?.reply.seal.id]),
      [
        [undefined, first, last],
        [first, undefined, undefined],
      ],
    );
    const part = await search('text//1/~~hello');
    assert.deepEqual([part.scan, typeof part.last], [[], 'string']);
    assert.equal(((await search(`text/${part.last}/500/~~hello`)) as typeof shown).scan.length, 2);
    const id = await world.nextId(ZOD);
    await dm(NEC, ZOD, id, {
      add: { essay: { ...essay(ZOD, ''), content: [{ inline: [{ ship: NEC }] }] }, time: null },
    });
    assert.equal(((await search('mention//500/~nec')) as typeof shown).scan.length, 1);
    for (const path of ['mention//500/x', 'other//500/~~x']) assert.equal(await search(path), undefined);
  });

  it('a part of a large conversation at a time, when it searches', async () => {
    const first = await say(ZOD, NEC, 'a needle');
    for (let i = 0; i < 22; i += 1) await say(ZOD, NEC, 'x'.repeat(200_000));
    const search = async (from: string) =>
      (await agent.scry(`/dm/~zod/search/bounded/text/${from}/500/~~needle`, NEC)) as { last: string; scan: object[] };
    const newest = await search('');
    assert.deepEqual([newest.scan, typeof newest.last], [[], 'string']);
    const { last, scan } = await search(newest.last);
    assert.deepEqual([last, scan.length], [null, 1]);
    assert.match(JSON.stringify(scan), new RegExp(first));
  });

  it('which conversations it has, whom it blocks and what it hides', async () => {
    await say(ZOD, NEC, 'hi');
    await say(FES, ZOD, 'hi');
    await poke(ZOD, 'chat-club-create', { id: CLUB, hive: [NEC] });
    const hidden = messageId(FES, 5);
    assert.equal(await poke(ZOD, 'chat-block-ship', { ship: BUD }), 'done');
    assert.equal(await poke(ZOD, 'chat-toggle-message', { hide: hidden }), 'done');
    const club = { team: [ZOD], hive: [NEC], meta: { title: '', description: '', image: '', cover: '' } };
    const lists = { dms: [NEC], invited: [FES], clubs: { [CLUB]: { ...club, net: 'done' } } };
    assert.deepEqual(await chatInit(world.database, ZOD), {
      ...{ ...lists, blocked: [BUD], 'blocked-by': [], 'hidden-messages': [hidden] },
    });
    for (const [path, list] of [
      ['/dm', lists.dms],
      ['/dm/invited', lists.invited],
      ['/clubs', lists.clubs],
      ['/blocked', [BUD]],
      ['/hidden-messages', [hidden]],
    ] as const) {
      assert.deepEqual(await agent.scry(path, ZOD), list);
    }
    assert.deepEqual((await chatInit(world.database, BUD))['blocked-by'], [ZOD]);
    assert.deepEqual((await chatInit(world.database, NEC)).clubs, { [CLUB]: { ...club, net: 'invited' } });
    assert.equal(await poke(ZOD, 'chat-unblock-ship', { ship: BUD }), 'done');
    assert.equal(await poke(ZOD, 'chat-toggle-message', { show: hidden }), 'done');
    const init = await chatInit(world.database, ZOD);
    assert.deepEqual([init.blocked, init['hidden-messages']], [[], []]);
  });

  it('its clubs in bounds: of more than 4 MB those are left out that were silent for longest', async () => {
    const meta = { ...META, description: 'x'.repeat(9_000) };
    const clubs = Array.from({ length: 500 }, (_, n) => uvText(BigInt(n + 1)));
    await world.database.transaction((tx) =>
      addChats(
        tx,
        clubs.map((whom) => ({ owner: ZOD, whom, state: 'open', club: { team: [ZOD], hive: [], meta } })),
      ),
    );
    await say(ZOD, NEC, 'hi');
    for (const latest of clubs.slice(-2)) await say(ZOD, latest, 'hi');
    await say(FES, ZOD, 'hi');
    const read = await readLists(world.database, ZOD);
    assert.deepEqual([read.dms, read.invited], [[NEC], [FES]]);
    const bytes = JSON.stringify(read.clubs).length;
    assert.ok(bytes > 3.9 * 1024 * 1024 && bytes < 4.1 * 1024 * 1024, String(bytes));
    for (const latest of clubs.slice(-2)) assert.ok(latest in read.clubs);
  });

  it('nothing of what others say to each other', async () => {
    const id = await say(ZOD, NEC, 'between us');
    await poke(ZOD, 'chat-club-create', { id: CLUB, hive: [NEC] });
    await say(ZOD, CLUB, 'among us');
    for (const path of [
      '/v4/dm/~zod/writs/newest/20/heavy',
      '/v4/dm/~nec/writs/newest/20/heavy',
      `/v4/dm/~zod/writs/writ/id/${id}`,
      `/v4/club/${CLUB}/writs/newest/20/heavy`,
      `/club/${CLUB}/search/bounded/text//500/~~us`,
    ]) {
      assert.equal(await agent.scry(path, FES), undefined, path);
    }
    assert.deepEqual(await told({ ship: FES, path: '/v4' }, { ship: FES, path: `/v4/club/${CLUB}` }), []);
  });
});

describe('a ship is told', () => {
  it('what happens in its conversations, with the number that a message has for it', async () => {
    const id = await say(ZOD, NEC, 'hi');
    const answer = await reply(NEC, ZOD, id, 'yes');
    await dm(ZOD, NEC, id, { 'add-react': { author: NEC, react: '👍' } });
    await dm(ZOD, NEC, id, { 'del-react': NEC });
    await dm(NEC, ZOD, id, { del: null });
    const meta = { replyCount: 1, lastReply: Number(world.clock.now()), lastRepliers: [NEC] };
    const writs = [
      { add: { essay: essay(ZOD, 'hi'), seq: 1, time: timeOfMessage(id) } },
      { reply: { id: answer, meta, delta: { add: { 'reply-essay': memo(NEC, 'yes'), time: timeOfMessage(answer) } } } },
      { 'add-react': { author: NEC, react: '👍' } },
      { 'del-react': NEC },
      { del: null },
    ];
    const facts = (ship: string, whom: string) =>
      writs.map((response) => [ship, 'writ-response-4', { whom, id, response }]);
    assert.deepEqual(await told({ ship: ZOD, path: '/v4' }), facts(ZOD, NEC));
    assert.deepEqual(await told({ ship: NEC, path: '/v4/dm/~zod' }), facts(NEC, ZOD));
    assert.deepEqual(await told({ ship: NEC, path: '/v4' }), [[NEC, 'ships', [ZOD]], ...facts(NEC, ZOD)]);
  });

  it('the same in the words of older clients', async () => {
    const id = await say(ZOD, NEC, 'hi');
    const answer = await reply(NEC, ZOD, id, 'yes');
    await dm(ZOD, NEC, id, { 'add-react': { author: NEC, react: '👍' } });
    const [time, later] = [timeOfMessage(id), timeOfMessage(answer)];
    const { blob: _, ...said } = memo(ZOD, 'hi');
    const { blob: __, ...answered } = memo(NEC, 'yes');
    const meta = { replyCount: 1, lastReply: world.clock.now(), lastRepliers: [NEC] };
    const others = [
      { reply: { id: answer, meta, delta: { add: { memo: answered, time: later } } } },
      { 'add-react': { ship: NEC, react: '👍' } },
    ];
    const facts = (mark: string, ...responses: object[]) =>
      responses.map((response) => [ZOD, mark, { whom: NEC, id, response }]);
    const oldest = { add: { memo: said, kind: null, time } };
    assert.deepEqual(await told({ ship: ZOD, path: '/' }), facts('writ-response', oldest, ...others));
    const older = { add: { essay: { ...said, 'kind-data': { chat: null } }, time } };
    assert.deepEqual(await told({ ship: ZOD, path: '/v2' }), facts('writ-response-2', older, ...others));
    const [, [, mark] = []] = await told({ ship: ZOD, path: '/v3/dm/~nec' });
    assert.equal(mark, 'writ-response-3');
  });

  it('of its invitations, all that wait', async () => {
    await say(ZOD, NEC, 'hi');
    await say(FES, NEC, 'hi');
    const invitations = async () => (await told({ ship: NEC, path: '/dm/invited' })).map(([, , json]) => json);
    assert.deepEqual(await invitations(), [
      [FES, ZOD],
      [FES, ZOD],
    ]);
    assert.equal(await poke(NEC, 'chat-dm-rsvp', { ship: ZOD, ok: true }), 'done');
    assert.equal(await poke(NEC, 'chat-dm-rsvp', { ship: FES, ok: false }), 'done');
    assert.deepEqual((await invitations()).at(-1), []);
    assert.deepEqual(await agent.scry('/dm', NEC), [ZOD]);
  });

  it('of its clubs, and of who takes nothing from it', async () => {
    await poke(ZOD, 'chat-club-create', { id: CLUB, hive: [NEC] });
    const change = (ship: string, delta: unknown) =>
      poke(ship, 'chat-club-action-2', { id: CLUB, diff: { uid: '0v4', delta } });
    assert.equal(await change(NEC, { team: { ship: NEC, ok: true } }), 'done');
    assert.equal(await change(ZOD, { meta: META }), 'done');
    const id = await say(NEC, CLUB, 'here');
    await poke(FES, 'chat-block-ship', { ship: NEC });
    const club = (delta: unknown, more: object = {}) => [
      ...[NEC, 'chat-club-action-2'],
      { id: CLUB, diff: { uid: '0v0', delta, ...more } },
    ];
    const init = { team: [ZOD], hive: [NEC], meta: { title: '', description: '', image: '', cover: '' } };
    assert.deepEqual(await told({ ship: NEC, path: '/v4' }), [
      club({ init }),
      club({ team: { ship: NEC, ok: true } }),
      club({ meta: META }, { meta: META }),
      [
        NEC,
        'writ-response-4',
        { whom: CLUB, id, response: { add: { essay: essay(NEC, 'here'), seq: 1, time: timeOfMessage(id) } } },
      ],
      [NEC, 'chat-blocked-by', { 'blocked-by': FES }],
    ]);
  });
});

describe('a client', () => {
  it('of any age does the same', async () => {
    const id = await world.nextId(ZOD);
    const { blob: _, ...written } = memo(ZOD, 'hi');
    const old = { ship: NEC, diff: { id, delta: { add: { memo: written, kind: null, time: null } } } };
    assert.equal(await poke(ZOD, 'chat-dm-action', old), 'done');
    const react = { ship: ZOD, diff: { id, delta: { 'add-react': { ship: NEC, react: ':up:' } } } };
    assert.equal(await poke(NEC, 'chat-dm-action-1', react), 'done');
    assert.equal(await poke(NEC, 'chat-remark-action', { whom: ZOD, diff: { read: null } }), 'done');
    assert.equal((await world.summaryOf(NEC, 'dm/~zod'))?.count, 0);
    assert.equal(await poke(NEC, 'chat-dm-archive', ZOD), 'done');
    assert.deepEqual(await agent.scry('/dm', NEC), []);
    assert.deepEqual(idsIn(await page(ZOD, '/v4/dm/~nec/writs/newest/5/heavy')), [id]);
  });

  it('is told in one line why not', async () => {
    const id = await say(ZOD, NEC, 'hi');
    const add = { add: { essay: essay(ZOD, 'x'), time: null } };
    const cases: [Promise<string>, string | RegExp][] = [
      [dm(ZOD, NEC, id, { del: null }), 'Only ~zod can delete this.'],
      [dm(ZOD, NEC, messageId(NEC, 9), add), 'You are ~nec, and cannot write as ~zod.'],
      [poke(ZOD, 'chat-dm-action-2', null), /^\/dm must be an object/],
      [poke(ZOD, 'chat-dm-action-2', { ship: NEC, diff: { id, delta: {} } }), /^\/dm\/diff\/delta must have/],
      [
        poke(ZOD, 'chat-club-action-2', { id: CLUB, diff: { uid: '0v4', delta: { writ: { id, delta: add } } } }),
        'You are not in this club.',
      ],
      [poke(ZOD, 'chat-dm-rsvp', { ship: BUD, ok: true }), 'You have no conversation with ~bud.'],
      [poke(ZOD, 'chat-dm-rsvp', { ship: BUD }), 'An answer has a ship, and ok: true or false.'],
      [poke(ZOD, 'chat-block-ship', { ship: '~bus' }), 'There is no ship ~bus here.'],
      [poke(ZOD, 'chat-block-ship', { ship: ZOD }), 'Nobody blocks themselves.'],
      [poke(ZOD, 'chat-block-ship', {}), 'Only a ship is blocked.'],
      [poke(ZOD, 'chat-toggle-message', { hide: 5 }), 'A message is hidden or shown by its id.'],
      [poke(ZOD, 'toString', {}), 'no such mark'],
    ];
    for (const [asked, reason] of cases) {
      if (typeof reason === 'string') assert.equal(await asked, reason);
      else assert.match(await asked, reason);
    }
    await poke(NEC, 'chat-block-ship', { ship: ZOD });
    assert.equal(await dm(NEC, ZOD, await world.nextId(ZOD), add), '~nec takes no messages from ~zod.');
  });
});
