// A community with script hooks on a database of its own, as a server has it: every part is real
// but the clock, the broker and the task hooks.
import assert from 'node:assert/strict';
import type { Cleanup } from '../../../test/support/database.ts';
import { eventually } from '../../../test/support/wait.ts';
import { readPageAfter, readPost } from '../../community/channels/post-store.ts';
import { type As, type Community, createCommunity } from '../../community/community.ts';
import { readGroup } from '../../community/groups/group-store.ts';
import { newGroup } from '../../community/groups/new-group.ts';
import { createShips, type Ships } from '../../community/ships/ships.ts';
import type { TurnResult } from '../../community/turns/take-turn.ts';
import type { ActionPost } from '../../community/types/channels.ts';
import type { Action } from '../../community/types/effect.ts';
import type { Group } from '../../community/types/group.ts';
import type { Essay, VPost } from '../../community/types/posts.ts';
import { createMetrics } from '../../core/metrics.ts';
import { createSecretBox } from '../../core/secret-box.ts';
import type { Base } from '../../database/base.ts';
import { createTimers, type Timers } from '../../timers/create-timers.ts';
import type { FireTaskHook } from '../hosting/do-job.ts';
import { createHosting, type Hosting } from '../hosting/hosting.ts';
import { createWorld as createLibraryWorld, HOST, type World as LibraryWorld } from './library-world.ts';

export { HOST, LETS_PASS } from './library-world.ts';

export const [NEC, FES, BUD] = ['~nec', '~fes', '~bud'] as const;
export const FLAG = `${HOST}/club`;
export const LOUNGE = `chat/${HOST}/lounge`;

export type World = Omit<LibraryWorld, 'act'> & {
  readonly ships: Ships;
  readonly community: Community;
  readonly hosting: Hosting;
  /** An action of the library; what is under the one key of its response. */
  readonly manage: LibraryWorld['act'];
  readonly act: (action: Action, as?: string | As) => Promise<TurnResult>;
  /** As `act`, of an action that must be done. Answers the id of what was made. */
  readonly does: (action: Action, as?: string | As) => Promise<string>;
  /** As `act`, of an action that must be refused or denied. Answers the reason. */
  readonly refused: (action: Action, as?: string | As) => Promise<string>;
  /** Adds a hook and lets it run on the channel, after those that do. Answers its id. */
  readonly hook: (src: string, nest?: string) => Promise<string>;
  readonly post: (text: string, by?: string, nest?: string) => Promise<string>;
  readonly posts: (nest?: string) => Promise<VPost[]>;
  readonly texts: (nest?: string) => Promise<string[]>;
  readonly postOf: (id: string, nest?: string) => Promise<VPost>;
  readonly group: (flag?: string) => Promise<Group>;
  readonly channel: (kind: string, name: string, members?: readonly string[]) => Promise<string>;
  /** Another process on the same database. */
  readonly another: () => Promise<Community>;
  /** Resolves when what is due has come, and every effect of it is done. */
  readonly settled: () => Promise<unknown>;
  readonly fired: Parameters<FireTaskHook>[0][];
};

export const textOf = ({ essay }: VPost): string => plain(essay.content);
export const plain = (content: Essay['content']): string =>
  content.flatMap((verse) => ('inline' in verse ? verse.inline.filter((one) => typeof one === 'string') : [])).join('');

export const essay = (text: string, author: string, sent = 1743465600000, kind = 'chat'): Essay => ({
  content: [{ inline: [text] }],
  author,
  sent,
  'kind-data':
    kind === 'diary' ? { diary: { title: text, image: '' } } : kind === 'heap' ? { heap: null } : { chat: null },
});

export const onPost = (nest: string, post: ActionPost): Action => ({
  channels: { channel: { nest, action: { post } } },
});

/** A group with the members nec, fes and bud, and a chat that all have joined. */
export const createWorld = async (t: Cleanup): Promise<World> => {
  const library = await createLibraryWorld(t);
  const { act: manage, database, clock, timers, sandbox } = library;
  const base = { database, clock, log: library.log, metrics: library.metrics };
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  const ships = createShips({ ...base, ship: HOST, secretBox: createSecretBox(Buffer.alloc(32, 7)) });
  await ships.addHost();
  for (const ship of [NEC, FES, BUD]) await ships.add(ship);
  const fired: World['fired'] = [];
  /** A process on the database: its part of the community, with caches of its own. */
  const startProcess = async (own: Timers, base: Base) => {
    const hosting: Hosting = undo.use(
      await createHosting({
        ...base,
        ...{ our: HOST, timers: own, sandbox, retentionDays: 90 },
        community: () => community,
        fireTaskHook: async (asked) => {
          fired.push(asked);
          return undefined;
        },
      }),
    );
    const community = createCommunity({
      ...base,
      broker: { publish: async () => {}, boundAmong: async () => new Set() },
      hooks: hosting.turnHooks,
    });
    const ending = new AbortController();
    const running = Promise.all([hosting.run(ending.signal), own.run(ending.signal)]);
    undo.defer(async () => {
      ending.abort();
      await running;
    });
    return { hosting, community };
  };
  const { hosting, community } = await startProcess(timers, base);

  const asOf = (as: string | As = HOST): As => (typeof as === 'string' ? { actor: as } : as);
  const act: World['act'] = (action, as) => community.act(action, asOf(as));
  const does: World['does'] = async (action, as) => {
    const result = await act(action, as);
    return result.kind === 'done' ? (result.id ?? '') : assert.fail(`${result.kind}: ${result.reason}`);
  };
  const posts: World['posts'] = (nest = LOUNGE) => readPageAfter(database, nest, { limit: 10_000 });
  const channel: World['channel'] = async (kind, name, members = [NEC, FES, BUD]) => {
    const [nest, words] = [`${kind}/${HOST}/${name}`, { title: name, description: '', readers: [], writers: [] }];
    await does({ channels: { create: { kind, name, group: FLAG, ...words } } });
    for (const ship of members) await does({ channels: { channel: { nest, action: { join: FLAG } } } }, ship);
    return nest;
  };
  const group = newGroup({ host: HOST, title: 'Our club', now: clock.now() });
  await does({ groups: { flag: FLAG, update: { diff: { create: group } } } });
  for (const ship of [NEC, FES, BUD]) {
    await does({ groups: { flag: FLAG, update: { diff: { fleet: { ships: [ship], diff: { add: null } } } } } }, ship);
  }
  await channel('chat', 'lounge');
  const orders = new Map<string, string[]>();
  return {
    ...{ ...library, ships, community, hosting, manage, act, does, posts, channel, fired },
    refused: async (action, as) => {
      const result = await act(action, as);
      return result.kind === 'done' ? assert.fail('it was done') : result.reason;
    },
    hook: async (src, nest = LOUNGE) => {
      const { id } = await manage({ add: { name: 'a-hook', src } });
      const seq = [...(orders.get(nest) ?? []), id];
      orders.set(nest, seq);
      await manage({ order: { nest, seq } });
      return id;
    },
    post: (text, by = NEC, nest = LOUNGE) =>
      does(onPost(nest, { add: essay(text, by, clock.now(), nest.split('/')[0]) }), by),
    texts: async (nest) => (await posts(nest)).map(textOf),
    postOf: async (id, nest = LOUNGE) => {
      const post = await readPost(database, nest, id);
      return post === undefined || post === 'deleted' ? assert.fail(`the post is ${post}`) : post;
    },
    group: async (flag = FLAG) => (await readGroup(database, flag))?.group ?? assert.fail('there is no such group'),
    another: async () => {
      const itsOwn = { ...base, metrics: createMetrics() };
      return (await startProcess(createTimers(itsOwn), itsOwn)).community;
    },
    settled: () =>
      eventually('everything due is done', async () => {
        const [row] = await library.rows(
          `select (select count(*) from timers where not_before <= $1) + (select count(*) from script_jobs) as left`,
          [new Date(clock.now()).toISOString()],
        );
        if (row.left > 0) return false;
        await hosting.whenIdle();
        return true;
      }),
  };
};
