// What a ship reads of channels, by path.
import type { StoredChannel } from '../../../community/channels/channel-store.ts';
import type { Queryable } from '../../../database/database.ts';
import { olderPost, olderReply } from '../../vocabulary/older-posts.ts';
import type { Json } from '../agent.ts';
import { permsOf, readHidden, readJoinedChannels } from './init.ts';
import { idOf, readOnePost, readPostsPage } from './post-pages.ts';
import { readableChannel } from './readable-channel.ts';
import { type Found, searchChannel } from './search.ts';

/** The first version with numbers and tombstones. */
const WITH_NUMBERS = 4;

/** undefined: there is nothing, or nothing that the ship may read. */
export const scryChannels = async (from: Queryable, path: string, ship: string): Promise<Json | undefined> => {
  const [, version, rest = ''] = /^(?:\/v(\d))?\/(.*)$/s.exec(path) ?? [];
  const [place = '', host = '', name = '', ...what] = rest.split('/');
  if (rest === 'channels') return readJoinedChannels(from, ship);
  if (rest === 'hidden-posts') return readHidden(from, ship);
  const channel = await readableChannel(from, `${place}/${host}/${name}`, ship);
  if (!channel) return undefined;
  const isOlder = version !== undefined && Number(version) < WITH_NUMBERS;
  return (isOlder ? scryOlder : scryChannel)(from, channel, what);
};

const scryChannel = (from: Queryable, channel: StoredChannel, [what, ...rest]: readonly string[]) => {
  if (what === 'perm') return permsOf(channel);
  if (what === 'search') return searchChannel(from, channel.nest, rest);
  if (what !== 'posts') return undefined;
  return rest[0] === 'post' ? onePost(from, channel, rest[1]) : readPostsPage(from, channel, rest);
};

const onePost = (from: Queryable, { nest }: StoredChannel, text: string | undefined) => {
  const id = idOf(text);
  return id === undefined ? undefined : readOnePost(from, nest, id, 'post');
};

const scryOlder = async (from: Queryable, channel: StoredChannel, [what, ...rest]: readonly string[]) => {
  if (what === 'perm') return permsOf(channel);
  if (what === 'search') {
    const found = await searchChannel(from, channel.nest, rest);
    return found && ('scan' in found ? { ...found, scan: found.scan.map(olderFound) } : found.map(olderFound));
  }
  if (what !== 'posts') return undefined;
  if (rest[0] === 'post') {
    const post = await onePost(from, channel, rest[1]);
    return (post && olderPost(post)) ?? undefined;
  }
  const page = await readPostsPage(from, channel, rest);
  const older = Object.entries(page?.posts ?? {}).map(([id, post]) => [id, olderPost(post)]);
  return page && { ...page, posts: Object.fromEntries(older) };
};

const olderFound = (found: Found): object =>
  'post' in found
    ? { post: olderPost(found.post) }
    : { reply: { ...found.reply, reply: olderReply(found.reply.reply) } };
