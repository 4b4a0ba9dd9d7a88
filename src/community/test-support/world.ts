// A community of a few ships on a database of its own. What they do goes through the one door for
// actions, checked as everywhere; what comes of it is what another ship reads.
import assert from 'node:assert/strict';
import { type Cleanup, freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { createSecretBox } from '../../core/secret-box.ts';
import { type FeedPage, readFeed } from '../activity/feed.ts';
import { readSummary } from '../activity/summary.ts';
import { messageId } from '../chat/message.ts';
import { createCommunity } from '../community.ts';
import { decoder } from '../schema/decode.ts';
import { idFromMillis } from '../schema/id.ts';
import { createShips } from '../ships/ships.ts';
import { Action } from '../types/effect.ts';
import type { Memo } from '../types/posts.ts';

export const [ZOD, NEC, FES, BUD] = ['~zod', '~nec', '~fes', '~bud'] as const;
export const CLUB = '0v5';
export const META = { title: 'T', description: '', image: '', cover: '' };
export const GROUP = '~zod/club';
export const LOUNGE = 'chat/~zod/lounge';

const decodeAction = decoder(Action);

export const createWorld = async (t: Cleanup, others: readonly string[] = [NEC, FES, BUD]) => {
  const database = await freshDatabase(t);
  const clock = createFakeClock();
  const base = { clock, database, log: silentLog, metrics: createMetrics() };
  const ships = createShips({ ...base, ship: ZOD, secretBox: createSecretBox(Buffer.alloc(32, 7)) });
  await ships.addHost();
  for (const ship of others) await ships.add(ship);
  const community = createCommunity({
    ...base,
    broker: { publish: async () => {}, boundAmong: async () => new Set() },
  });

  const attempt = async (actor: string, action: unknown) => {
    const decoded = decodeAction(action);
    if (!decoded.ok) assert.fail(`${decoded.pointer} ${decoded.reason}`);
    return community.act(decoded.value, { actor });
  };
  /** Answers the id, if there is one. */
  const act = async (actor: string, action: unknown): Promise<string | undefined> => {
    const result = await attempt(actor, action);
    if (result.kind !== 'done') assert.fail(`${actor} ${JSON.stringify(action)}: ${result.reason}`);
    return result.id;
  };
  const refusal = async (actor: string, action: unknown): Promise<string> => {
    const result = await attempt(actor, action);
    return result.kind === 'done' ? assert.fail('it was done') : result.reason;
  };
  /** Time passes, and a message of the ship at that moment has this id. */
  const nextId = async (ship: string): Promise<string> => {
    await clock.advance(1000);
    return messageId(ship, clock.now());
  };
  const summaryOf = async (ship: string, key: string) => (await readSummary(database, ship)).get(key);
  const feedOf = (ship: string, page: Partial<FeedPage> = {}) => readFeed(database, ship, { limit: 50, ...page });
  const nowId = () => String(idFromMillis(clock.now()));
  return { ...base, ships, community, attempt, act, refusal, nextId, nowId, summaryOf, feedOf };
};

export type World = Awaited<ReturnType<typeof createWorld>>;

export const memoOf = (author: string, ...content: readonly unknown[]): Memo => ({
  content: [{ inline: content as [] }],
  author,
  sent: 1,
});

/** The group `~zod/club` with a channel that these have joined; answers how to post there. */
export const withLounge = async (world: World, members: readonly string[]) => {
  const { act, clock } = world;
  const fleet = Object.fromEntries(members.map((ship) => [ship, { sects: [], joined: 0 }]));
  const group = { fleet, cabals: {}, zones: {}, 'zone-ord': [], channels: {}, 'active-channels': [] };
  const create = { ...group, bloc: ['admin'], cordon: { open: { ships: [], ranks: [] } }, meta: META, secret: false };
  await act(ZOD, { groups: { flag: GROUP, update: { diff: { create: { ...create, 'flagged-content': {} } } } } });
  const channel = { kind: 'chat', name: 'lounge', group: GROUP, title: 'L', description: '', readers: [], writers: [] };
  await act(ZOD, { channels: { create: channel } });
  for (const ship of members) {
    await act(ship, { channels: { channel: { nest: LOUNGE, action: { join: GROUP } } } });
  }
  const inLounge = (action: unknown) => ({ channels: { channel: { nest: LOUNGE, action: { post: action } } } });
  const post = async (author: string, ...content: readonly unknown[]): Promise<string> => {
    await clock.advance(1000);
    const essay = { ...memoOf(author, ...content), 'kind-data': { chat: null } };
    return (await act(author, inLounge({ add: essay }))) as string;
  };
  const reply = async (author: string, id: string, ...content: readonly unknown[]): Promise<string> => {
    await clock.advance(1000);
    return (await act(author, inLounge({ reply: { id, action: { add: memoOf(author, ...content) } } }))) as string;
  };
  return { post, reply, inLounge };
};
