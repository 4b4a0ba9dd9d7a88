// The agent of groups over a real community. The changes are those that it recorded, in the order
// of their commits.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { lastFirst } from '../../../../test/support/wait.ts';
import type { Change } from '../../../community/changes/change.ts';
import { BUD, createWorld, FES, META, NEC, type World, ZOD } from '../../../community/test-support/world.ts';
import { statement } from '../../../database/statement.ts';
import type { Agent, Json, Thread, WatchResult } from '../agent.ts';
import { createGroupThread } from './create-group.ts';
import { createGroups } from './groups.ts';

const takeChanges = statement<{ changes: readonly Change[] }>(
  'test.take-changes',
  `with taken as (delete from community_changes returning id, changes) select changes from taken order by id`,
);

// biome-ignore lint/suspicious/noExplicitAny: JSON, of which each test knows what it is.
type Read = any;

let world: World;
let agent: Agent;
let thread: Thread;
const undo = new AsyncDisposableStack();
before(async () => {
  world = await createWorld(lastFirst({ after: (step) => undo.defer(step) }));
  const settings = { database: world.database, clock: world.clock, act: world.community.act };
  agent = createGroups(settings);
  thread = createGroupThread(settings);
});
after(() => undo.disposeAsync());

const result = async (ship: string, mark: string, json: unknown): Promise<string> => {
  const poked = await agent.poke?.(mark, json, ship);
  return poked?.kind === 'refused' ? poked.reason : (poked?.kind ?? 'unknown');
};
const poke = async (ship: string, mark: string, json: unknown) => assert.equal(await result(ship, mark, json), 'done');
const on = (flag: string, action: object) => ({ group: { flag, 'a-group': action } });
const scry = (ship: string, path: string): Promise<Read> => agent.scry?.(path, ship) as Promise<Read>;
const preview = async (ship: string, path: string): Promise<Read> => {
  const watched = (await agent.watch?.(path, ship)) as WatchResult;
  return watched.kind === 'once' ? watched.fact.json : assert.fail(watched.kind);
};

/** What each of the watchers is told of all that was done: `[ship, json]`. */
const told = async (...watchers: readonly (readonly [string, string])[]): Promise<[string, Read][]> => {
  const changes = (await world.database.query(takeChanges)).flatMap((row) => row.changes);
  const facts = await agent.factsOf?.(
    changes,
    watchers.map(([ship, path]) => ({ ship, path })),
  );
  return (facts ?? []).map(({ watcher, fact }) => [watcher.ship, fact.json as Json]);
};
const watch = async (ship: string, path: string) => {
  assert.deepEqual(await agent.watch?.(path, ship), { kind: 'watching' });
  return [ship, path] as const;
};

let made = 0;
/** A new group of `~zod`, which is secret, with a channel and these guests. */
const create = async (...guestList: string[]): Promise<{ flag: string; nest: string }> => {
  made += 1;
  const [flag, nest] = [`~zod/group-${made}`, `chat/~zod/general-${made}`];
  const channels = [{ channelId: nest, meta: { title: 'General' } }];
  const ran = await thread.run({ groupId: flag, meta: { title: `Group ${made}` }, guestList, channels }, ZOD);
  assert.equal(ran.kind, 'done');
  await told();
  return { flag, nest };
};

describe('a group that a client makes', () => {
  it('has its channels, and guests who are members when they come', async () => {
    const { flag, nest } = await create(NEC);
    const group = await scry(ZOD, `/v2/ui/groups/${flag}`);
    assert.deepEqual(
      [group.admissions.privacy, Object.keys(group.seats), group['member-count']],
      ['secret', [ZOD, NEC], 2],
    );
    assert.deepEqual([group.sections.default.order, group['active-channels']], [[nest], [nest]]);
    assert.equal(group.channels[nest].meta.title, 'General');
    assert.equal(await scry(NEC, `/v2/ui/groups/${flag}`), undefined);
    const foreign = (await scry(NEC, '/v1/foreigns'))[flag];
    assert.deepEqual([foreign.invites[0].from, foreign.invites[0].valid, foreign.progress], [ZOD, true, null]);
    await poke(NEC, 'group-join', { flag, 'join-all': true });
    const own = await scry(NEC, `/v2/ui/groups/${flag}`);
    assert.ok(own.seats[NEC].joined > 0);
    assert.deepEqual(own['active-channels'], [nest]);
    assert.equal((await scry(NEC, '/v1/foreigns'))[flag], undefined);
  });

  it('is there with all its channels, or not at all', async () => {
    const run = async (groupId: string, ...nests: string[]) => {
      const channels = nests.map((channelId) => ({ channelId, meta: {} }));
      const ran = await thread.run({ groupId, meta: {}, guestList: [], channels }, NEC);
      return ran.kind === 'refused' ? ran.reason : ran.kind;
    };
    assert.match(await run('~zod/stolen'), /of your own only/);
    assert.match(await run('~nec/half', 'chat/~nec/one', 'odd/~nec/two'), /A channel is a chat/);
    assert.match(await run('~nec/half', 'chat/~zod/one'), /of your own only/);
    assert.match(await run('~nec/half', ...Array.from({ length: 51 }, (_, n) => `chat/~nec/c${n}`)), /at most 50/);
    assert.equal(await scry(NEC, '/v2/groups/~nec/half'), undefined);
    assert.equal(await run('~nec/half', 'chat/~nec/one'), 'done');
    assert.match(await run('~nec/half'), /There is a group/);
    assert.match(String(((await thread.run({}, NEC)) as { reason?: string }).reason), /wrong at \/groupId: is missing/);
  });

  it('is read in the words of before, too', async () => {
    const { flag } = await create(BUD);
    const old = (await scry(ZOD, '/groups'))[flag];
    assert.deepEqual(
      [old.cordon, old.secret, Object.keys(old.fleet)],
      [{ shut: { pending: [], ask: [] } }, true, [ZOD, BUD]],
    );
    assert.deepEqual(await scry(ZOD, `/v1/groups/${flag}`), old);
    const gang = (await scry(BUD, '/gangs'))[flag];
    assert.deepEqual([gang.invite, gang.claim, gang.preview.secret], [{ flag, ship: ZOD }, null, true]);
    const diff = { fleet: { ships: [NEC], diff: { add: null } } };
    await poke(ZOD, 'group-action-3', { flag, update: { time: '', diff } }); // as clients of before say it
    assert.ok((await scry(ZOD, '/groups'))[flag].fleet[NEC]);
  });
});

describe('what strangers see of a group', () => {
  it('is a preview, unless it is secret', async () => {
    const { flag, nest } = await create();
    const paths = [`/gangs/${flag}/preview`, `/chan/${nest}`];
    for (const path of paths) assert.equal(await preview(FES, path), null);
    assert.equal((await preview(FES, '/gangs/index/~zod'))[flag], undefined);
    await poke(ZOD, 'group-action-4', on(flag, { entry: { privacy: 'private' } }));
    const shown = await preview(FES, `/gangs/${flag}/preview`);
    assert.deepEqual([shown.privacy, shown['member-count'], shown.meta.title], ['private', 1, `Group ${made}`]);
    assert.deepEqual((await preview(FES, '/gangs/index/~zod'))[flag], shown);
    assert.equal(await preview(FES, `/chan/${nest}`), null);
    await poke(ZOD, 'group-action-4', on(flag, { entry: { privacy: 'public' } }));
    const channel = await preview(FES, `/chan/${nest}`);
    assert.deepEqual([channel.nest, channel.group.flag, channel.meta.title], [nest, flag, 'General']);
    assert.equal(await scry(FES, `/v2/groups/${flag}`), undefined);
    assert.deepEqual(await preview(FES, '/gangs/index/nobody'), {});
    assert.equal(await preview(FES, '/gangs/~zod/none/preview'), null);
  });
});

describe('a ship that wants to come in', () => {
  it('asks, is told of what becomes of that, and so are the admins', async () => {
    const { flag, nest } = await create();
    await poke(ZOD, 'group-action-4', on(flag, { entry: { privacy: 'private' } }));
    await told();
    const watchers = [await watch(ZOD, '/v1/groups'), await watch(FES, '/v2/groups'), await watch(FES, '/v1/foreigns')];
    await poke(FES, 'group-knock', flag);
    const [[, asked], [, foreign]] = (await told(...watchers)) as [[string, Read], [string, Read]];
    assert.equal(asked['r-group'].entry.ask.add.ship, FES);
    assert.deepEqual([foreign[flag].progress, foreign[flag].invites], ['ask', []]);
    await poke(FES, 'group-rescind', flag);
    const [[, taken], [, past]] = (await told(...watchers)) as [[string, Read], [string, Read]];
    assert.deepEqual(taken, { flag, 'r-group': { entry: { ask: { del: { ships: [FES] } } } } });
    assert.deepEqual([past[flag].progress, past[flag].preview], [null, null]);
    await poke(FES, 'group-knock', flag);
    await told(...watchers);
    await poke(ZOD, 'group-action-4', on(flag, { entry: { ask: { ships: [FES], 'a-ask': 'approve' } } }));
    const all = await told(...watchers);
    const toZod = all.filter(([ship]) => ship === ZOD).map(([, json]) => json['r-group']);
    assert.deepEqual(
      toZod.map((step) => Object.keys(step)[0]),
      ['entry', 'seat'],
    );
    const toFes = all.filter(([ship]) => ship === FES).map(([, json]) => json);
    assert.deepEqual(toFes[0]['r-group'].create['active-channels'], [nest]);
    assert.equal(toFes[1][flag].progress, 'done');
    assert.deepEqual(toFes[2]['r-group'], { 'active-channel': { nest, joined: true } });
  });

  it('is invited, and declines or comes; it is told when an invitation is taken back', async () => {
    const { flag } = await create();
    const watchers = [await watch(BUD, '/v1/foreigns'), await watch(BUD, '/v1/groups')];
    const note = [{ inline: ['come'] }];
    const invite = { flag, ships: ['bud'], 'a-invite': { token: null, note } };
    const invitesTold = async () => (await told(...watchers)).map(([, json]) => json[flag].invites);
    for (const back of [
      () => poke(ZOD, 'group-action-4', on(flag, { entry: { pending: { ships: [BUD], 'a-pending': { del: null } } } })),
      () => poke(BUD, 'invite-decline', flag),
    ]) {
      await poke(ZOD, 'group-action-4', { invite });
      const [[invited]] = (await invitesTold()) as [Read[]];
      assert.deepEqual([invited.from, invited.note, invited.preview.privacy], [ZOD, note, 'secret']);
      await back();
      assert.deepEqual(await invitesTold(), [[]]);
      assert.match(await result(BUD, 'group-join', { flag, 'join-all': true }), /There is no group/);
    }
  });

  it('comes into a public group at once, and leaves it', async () => {
    const { flag } = await create();
    await poke(ZOD, 'group-action-4', on(flag, { entry: { privacy: 'public' } }));
    await told();
    const watchers = [await watch(FES, '/v1/groups'), await watch(ZOD, '/v1/groups')];
    await poke(FES, 'group-knock', flag);
    assert.deepEqual(
      (await told(...watchers)).map(([ship, json]) => [ship, Object.keys(json['r-group'])[0]]),
      [
        [FES, 'create'],
        [ZOD, 'seat'],
      ],
    );
    await poke(FES, 'group-leave', flag);
    assert.deepEqual(await told(...watchers), [
      [FES, { flag, 'r-group': { delete: null } }],
      [ZOD, { flag, 'r-group': { seat: { ships: [FES], 'r-seat': { del: null } } } }],
    ]);
    assert.match(await result(ZOD, 'group-leave', flag), /cannot be removed/);
  });
});

describe('a change of a group', () => {
  it('is told to its members only, once for each path', async () => {
    const { flag } = await create(NEC);
    await poke(NEC, 'group-join', { flag, 'join-all': true });
    await told();
    const watchers = [
      await watch(ZOD, '/v2/groups'),
      await watch(NEC, '/v1/groups'),
      await watch(NEC, '/v2/groups'),
      await watch(FES, '/v1/groups'),
      await watch(FES, '/v1/foreigns'),
    ];
    await poke(ZOD, 'group-action-4', on(flag, { meta: META }));
    const fact = { flag, 'r-group': { meta: META } };
    const change: Change = { kind: 'group', flag };
    const marks = (
      await agent.factsOf?.(
        [change],
        watchers.map(([ship, path]) => ({ ship, path })),
      )
    )?.map((one) => `${one.watcher.ship}${one.watcher.path} ${one.fact.mark}`);
    assert.deepEqual(marks, [
      '~zod/v2/groups group-response-2',
      '~nec/v1/groups group-response-1',
      '~nec/v2/groups group-response-2',
    ]);
    assert.deepEqual(await told(...watchers), []);
    await poke(ZOD, 'group-action-4', on(flag, { meta: { ...META, title: 'Once more' } }));
    await told(...watchers);
    await poke(ZOD, 'group-action-4', on(flag, { meta: META }));
    assert.deepEqual(await told(...watchers), [
      [ZOD, fact],
      [NEC, fact],
      [NEC, fact],
    ]);
    await poke(ZOD, 'group-action-4', on(flag, { delete: null }));
    const gone = { flag, 'r-group': { delete: null } };
    assert.deepEqual(await told(...watchers), [
      [ZOD, gone],
      [NEC, gone],
      [NEC, gone],
    ]);
  });

  it('is told as the whole group to those who were told nothing of it before', async () => {
    const { flag } = await create();
    await poke(ZOD, 'group-action-4', on(flag, { meta: META }));
    const [[, first]] = (await told([ZOD, '/v1/groups'])) as [[string, Read]];
    assert.deepEqual(first['r-group'].create.meta, META);
  });

  it('is told to whoever is removed or loses it, also when they were told nothing of it before', async () => {
    const { flag } = await create(NEC);
    await poke(NEC, 'group-join', { flag, 'join-all': true });
    await told();
    const watchers = [[NEC, '/v1/groups'] as const, [FES, '/v1/groups'] as const];
    await poke(ZOD, 'group-action-4', on(flag, { seat: { ships: [NEC], 'a-seat': { del: null } } }));
    assert.deepEqual(await told(...watchers), [[NEC, { flag, 'r-group': { delete: null } }]]);
    await poke(ZOD, 'group-action-4', on(flag, { delete: null }));
    assert.deepEqual(await told([ZOD, '/v1/groups'], ...watchers), [[ZOD, { flag, 'r-group': { delete: null } }]]);
  });

  it('has no NUL, which would keep others from reading what invites them', async () => {
    const { flag } = await create(NEC);
    const meta = (title: string) => poke(ZOD, 'group-action-4', on(flag, { meta: { ...META, title } }));
    await meta('\\u0000');
    assert.equal((await scry(NEC, '/v1/foreigns'))[flag].preview.meta.title, '\\u0000');
    await meta('a\u0000b');
    assert.equal((await scry(NEC, '/v1/foreigns'))[flag].preview.meta.title, 'a\ufffdb');
  });

  it('is refused with a reason when it is wrong', async () => {
    const { flag } = await create();
    assert.match(
      await result(ZOD, 'group-action-4', on(flag, {})),
      /wrong at \/group\/a-group: must have one of the keys/,
    );
    assert.match(await result(ZOD, 'group-join', flag), /must be an object/);
    assert.match(await result(ZOD, 'group-leave', 'x'), /must be a group/);
    assert.match(await result(FES, 'group-action-4', on(flag, { meta: META })), /There is no group/);
    assert.match(await result(ZOD, 'group-join', 'x'.repeat(512 * 1024)), /^An action has at most 524288 bytes/);
    assert.equal(await result(ZOD, 'group-nonsense', flag), 'unknown');
    assert.deepEqual(await told([ZOD, '/v1/groups']), []);
  });
});
