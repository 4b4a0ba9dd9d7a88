// What is in the channels and conversations of a ship, of many at once: each as its own agent
// answers it, and all together in bounds.
import { millisFromId } from '../../../community/schema/id.ts';
import type { Queryable } from '../../../database/database.ts';
import type { Agent, Json } from '../agent.ts';
import { type Latest, type Place, readChangedChannels, readLatestChannels, readLatestChats } from './places.ts';

export type OverviewSettings = {
  readonly database: Queryable;
  readonly scryChannels: Agent['scry'];
  readonly scryChat: Agent['scry'];
};

export const MOST_PLACES = 100;
const MOST_POSTS = 50;
/** That have changed while a client was away. */
const MOST_CHANGED = 1_000;
/** Characters of all pages together as JSON; the page that exceeds it is the last. */
const LARGEST = 8 * 1024 * 1024;
/** The same of the newest posts where there is no place for pages. */
const LARGEST_REST = 2 * 1024 * 1024;
const LAST_ID = '1'.padEnd(45, '0');

export const createOverview = ({ database, scryChannels, scryChat }: OverviewSettings) => {
  const budget = (largest = LARGEST) => {
    let left = largest;
    /** Posts by name of the place, where there are any; none once too much was read. */
    return async (names: readonly string[], read: (name: string) => Json): Promise<Record<string, object>> => {
      const found: Record<string, object> = {};
      for (const name of names) {
        if (left < 0) break;
        const page = (await read(name)) as Page | undefined;
        const posts = page?.posts ?? page?.writs;
        if (posts === undefined) continue;
        left -= JSON.stringify(posts).length;
        found[name] = posts;
      }
      return found;
    };
  };
  const channelPage = (ship: string, verb: string) => (nest: string) =>
    scryChannels?.(`/v5/${nest}/posts/${verb}`, ship);
  const chatPage = (ship: string, verb: string) => (whom: string) =>
    scryChat?.(`/v4/${whom.startsWith('~') ? 'dm' : 'club'}/${whom}/writs/${verb}`, ship);
  const namesOf = (places: readonly Place[]) => places.map(({ name }) => name);

  /** The newest of each. */
  const readHeads = async (ship: string, latest: Latest): Promise<Json> => {
    const within = budget();
    const channels = await readLatestChannels(database, ship, latest);
    const chats = await readLatestChats(database, ship, latest);
    const posts = await within(namesOf(channels), channelPage(ship, 'newest/1/outline'));
    const writs = await within(namesOf(chats), chatPage(ship, 'newest/1/light'));
    return {
      channels: headsOf(channels, posts, 'nest'),
      dms: headsOf(chats, writs, 'whom'),
    };
  };

  /** The newest posts of the latest places. */
  const readNewest = async (ship: string, places: number, posts: number): Promise<Json> => {
    const within = budget();
    const latest = { since: '0', limit: Math.min(places, MOST_PLACES) };
    const count = Math.min(posts, MOST_POSTS);
    const channels = await readLatestChannels(database, ship, latest);
    const chats = await readLatestChats(database, ship, latest);
    return {
      channels: await within(namesOf(channels), channelPage(ship, `newest/${count}/outline`)),
      chat: await within(namesOf(chats), chatPage(ship, `newest/${count}/light`)),
    };
  };

  /**
   * What has come since and what has changed; of conversations the newest messages. Where there is
   * no place for them, the newest post: by its number clients know that others are before it.
   */
  const readChanged = async (ship: string, since: bigint) => {
    const [within, rest] = [budget(), budget(LARGEST_REST)];
    const changed = { since: String(since), limit: MOST_CHANGED };
    const pagesOf = async (names: readonly string[], verb: string, newest: string, pageOf: typeof channelPage) => {
      const pages = await within(names, pageOf(ship, verb));
      const others = names.filter((name) => !Object.hasOwn(pages, name));
      return { ...pages, ...(await rest(others, pageOf(ship, newest))) };
    };
    const nests = await readChangedChannels(database, ship, changed);
    const chats = namesOf(await readLatestChats(database, ship, changed));
    return {
      channels: await pagesOf(nests, `changes/0/${LAST_ID}/${since}`, 'newest/1/outline', channelPage),
      chat: await pagesOf(chats, `newest/${MOST_POSTS}/heavy`, 'newest/1/light', chatPage),
    };
  };

  return { readHeads, readNewest, readChanged };
};

/** Of a channel, or of a conversation. */
type Page = { readonly posts?: object; readonly writs?: object };

const headsOf = (places: readonly Place[], posts: Readonly<Record<string, object>>, named: 'nest' | 'whom'): Json[] =>
  places.flatMap(({ name, newest }) => {
    const latest = Object.values(posts[name] ?? {}).at(-1);
    return latest ? [{ [named]: name, recency: millisFromId(BigInt(newest)), latest }] : [];
  });
