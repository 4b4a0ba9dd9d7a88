// A community in which a post says what is to be done: the hook of one channel returns as its
// effects what the post says. What came of them is read over HTTP, as the ship that asks.
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { Community } from '../../../client/index.ts';
import type { Cleanup } from '../../../test/support/database.ts';
import { createCommunityApi } from '../../community/api/api.ts';
import { newGroup } from '../../community/groups/new-group.ts';
import { idFromMillis, withDots } from '../../community/schema/id.ts';
import type { ActionChannel } from '../../community/types/channels.ts';
import type { Action } from '../../community/types/effect.ts';
import type { DiffGroups, FleetDiff } from '../../community/types/group.ts';
import { silentLog } from '../../core/log.ts';
import { serveApis } from '../../http/serve-api.ts';
import { createHttpServer } from '../../http/server.ts';
import { createWorld as createHostingWorld, type World as HostingWorld, NEC } from './hosting-world.ts';

// biome-ignore lint/suspicious/noExplicitAny: what is read is what the test says it is.
type Untyped = any;

export type Run = {
  /** Effects that are none, and why. */
  readonly dropped: readonly { readonly pointer: string; readonly reason: string }[];
  /** Effects that were refused, and why. */
  readonly failed: readonly { readonly index: number; readonly reason: string }[];
};

/** What a ship reads, by the methods of the API; what it may not read is refused. */
export type Reader = Readonly<
  Record<
    | 'group'
    | 'channel'
    | 'listPosts'
    | 'post'
    | 'chat'
    | 'listMessages'
    | 'message'
    | 'profile'
    | 'contact'
    | 'listContacts'
    | 'activity'
    | 'listActivity'
    | 'listHiddenPosts',
    (...args: readonly unknown[]) => Promise<Untyped>
  >
>;

export type EffectsWorld = HostingWorld & {
  /** A run of a hook asks for these; answers when they are done, with what the ledger says. */
  readonly ask: (...effects: readonly unknown[]) => Promise<Run>;
  /** As `ask`, of effects that must all be done. */
  readonly effects: (...effects: readonly unknown[]) => Promise<void>;
  /** As `ask`, of one that must be refused when it is done. Answers the reason. */
  readonly refusedEffect: (effect: unknown) => Promise<string>;
  readonly as: (ship: string) => Reader;
  /** Whether the ship may not read it, or it is not there. */
  readonly isHidden: (read: Promise<unknown>) => Promise<boolean>;
  /** A group of this ship with these members; answers its flag. */
  readonly newGroup: (name: string, members?: readonly string[], host?: string) => Promise<string>;
  /** A channel of the host, made by an effect; answers its nest. */
  readonly newChannel: (flag: string, name: string, more?: object) => Promise<string>;
  /** Effects on one group. */
  readonly change: (flag: string, ...diffs: readonly DiffGroups[]) => Promise<void>;
  readonly groupAs: (ship: string, flag: string) => Promise<Untyped>;
  /** What the ship was told of this group, newest first. */
  readonly told: (ship: string, flag: string) => Promise<Untyped[]>;
  /** A message id of this ship, of this moment; time passes. */
  readonly messageId: (ship: string) => Promise<string>;
};

const ORDERS = 'chat/~zod/orders';
const DOES_WHAT_POSTS_SAY = `module.exports = (event) => ({
  event: { allowed: event }, effects: JSON.parse(event['on-post'].add.essay.content[0].inline[0]) });`;

export const meta = (title: string) => ({ title, description: '', image: '', cover: '' });
export const inGroup = (flag: string, diff: DiffGroups): Action => ({ groups: { flag, update: { diff } } });
export const fleet = (ships: readonly string[], diff: FleetDiff): DiffGroups => ({
  fleet: { ships: [...ships], diff },
});
export const inChannel = (nest: string, action: ActionChannel): Action => ({ channels: { channel: { nest, action } } });
export const memo = (text: string, author: string) => ({ content: [{ inline: [text] }], author, sent: 1 });

export const createEffectsWorld = async (t: Cleanup): Promise<EffectsWorld> => {
  const world = await createHostingWorld(t);
  const { hook, post, settled, rows, clock, does } = world;
  const community = new Community({ rootUrl: await serve(t, world), retries: 0 });

  const ask: EffectsWorld['ask'] = async (...effects) => {
    await clock.advance(1000);
    await post(JSON.stringify(effects), NEC, ORDERS);
    await settled();
    const [run] = await rows('select result, failed_effects from script_runs where origin = $1 order by id desc', [
      ORDERS,
    ]);
    await clock.advance(1000);
    return { dropped: run.result.dropped, failed: run.failed_effects ?? [] };
  };
  const newGroupOf: EffectsWorld['newGroup'] = async (name, members = [], host = '~zod') => {
    const flag = `${host}/${name}`;
    await does(inGroup(flag, { create: newGroup({ host, title: name, now: clock.now() }) }), host);
    for (const ship of members) await does(inGroup(flag, fleet([ship], { add: null })), ship);
    return flag;
  };
  // Nobody else is disturbed by what is said there.
  const group = await newGroupOf('orders', [NEC]);
  const words = { title: '', description: '', readers: [], writers: [] };
  await does({ channels: { create: { kind: 'chat', name: 'orders', group, ...words } } });
  await hook(DOES_WHAT_POSTS_SAY, ORDERS);
  const effects: EffectsWorld['effects'] = async (...all) =>
    assert.deepEqual(await ask(...all), { dropped: [], failed: [] });
  const as: EffectsWorld['as'] = (ship) =>
    new Proxy({} as Reader, {
      get:
        (_reader, method: keyof Reader) =>
        (...args: readonly unknown[]) =>
          (community[method] as (...all: readonly unknown[]) => Promise<Untyped>)(ship, ...args),
    });
  return {
    ...{ ...world, ask, effects, as, newGroup: newGroupOf },
    newChannel: async (flag, name, more = {}) => {
      await effects({ channels: { create: { kind: 'chat', name, group: flag, ...words, ...more } } });
      return `chat/~zod/${name}`;
    },
    change: (flag, ...diffs) => effects(...diffs.map((diff) => inGroup(flag, diff))),
    groupAs: async (ship, flag) => (await as(ship).group(flag)).group,
    told: async (ship, flag) =>
      (await as(ship).listActivity({ limit: '50' })).events
        .map(({ event }: { event: Untyped }) => event)
        .filter((event: Untyped) => (Object.values(event)[0] as Untyped).group === flag),
    refusedEffect: async (effect) => {
      const { dropped, failed } = await ask(effect);
      assert.deepEqual(dropped, []);
      return failed[0]?.reason ?? assert.fail('it was done');
    },
    isHidden: async (read) => {
      try {
        await read;
        return false;
      } catch (error) {
        assert.equal((error as Untyped).statusCode, 404);
        return true;
      }
    },
    messageId: async (ship) => {
      await clock.advance(1000);
      return `${ship}/${withDots(idFromMillis(clock.now()))}`;
    },
  };
};

/** Answers the URL of a server that lets everybody read as every ship. */
const serve = async (t: Cleanup, world: HostingWorld): Promise<string> => {
  const { clock, metrics, database, community } = world;
  const server = createHttpServer({ clock, log: silentLog, metrics, checkReadiness: async () => {} });
  const api = createCommunityApi({ database, ships: world.ships, now: clock.now, act: community.act });
  serveApis(server, [api], {
    authenticate: async () => ({ clientId: 'somebody', scopes: [] }),
    satisfies: () => true,
    forgive: () => {},
    rootUrl: () => '',
    ...{ clock, log: silentLog, metrics },
  });
  t.after(() => server.close());
  await server.listen({ host: '127.0.0.1', port: 0 });
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
};
