// Groups, channels and posts as a ship may read them. What it may not read is told like what is not
// there.
import { readPage } from '../../auth/api/pages.ts';
import type { Queryable } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import { readChannel, readChannelsOf, type StoredChannel } from '../channels/channel-store.ts';
import { type ChannelMembership, readMembership, readMembershipsOf } from '../channels/membership-store.ts';
import { readPageBefore, readPost } from '../channels/post-store.ts';
import { type ListedGroup, readGroup, readGroupsOf, type StoredGroup } from '../groups/group-store.ts';
import { hostOf, isMember, mayRead } from '../groups/membership.ts';

const MOST_GROUPS = 20;
const MOST_POSTS = 50;

type Query = Readonly<Record<string, string>>;

export const createPlaceReads = (on: Queryable) => {
  const groupOf = async (ship: string, flag: string): Promise<StoredGroup> => {
    const stored = await readGroup(on, flag);
    if (stored && (isMember(stored.group, ship) || stored.host === ship)) return stored;
    throw new ApiError('ResourceNotFound', `${ship} is in no group ${flag}.`);
  };
  const channelOf = async (ship: string, nest: string): Promise<StoredChannel> => {
    const channel = await readChannel(on, nest);
    const group = channel && (await readGroup(on, channel.flag));
    if (channel && (hostOf(nest) === ship || (group && mayRead(group, nest, ship)))) return channel;
    throw new ApiError('ResourceNotFound', `There is no channel ${nest} that ${ship} may read.`);
  };

  return {
    groups: async (ship: string, query: Query) => {
      const limit = String(Math.min(Number(query.limit ?? MOST_GROUPS), MOST_GROUPS));
      const { page, ...more } = await readPage(
        { ...query, limit },
        ({ flag }: ListedGroup) => flag,
        (after, most) => readGroupsOf(on, ship, { after, limit: most }),
        ({ group }) => group !== null,
      );
      return { groups: page, ...more };
    },
    group: async (ship: string, flag: string) => ({ flag, group: (await groupOf(ship, flag)).group }),
    channels: async (ship: string, flag: string) => {
      const group = await groupOf(ship, flag);
      const joined = new Map((await readMembershipsOf(on, ship)).map((member) => [member.nest, member]));
      const channels = (await readChannelsOf(on, flag)).filter(({ nest }) => mayRead(group, nest, ship));
      return channels.map((channel) => shown(channel, joined.get(channel.nest)));
    },
    channel: async (ship: string, nest: string) =>
      shown(await channelOf(ship, nest), await readMembership(on, nest, ship)),
    posts: async (
      ship: string,
      nest: string,
      { before, limit }: { readonly before: string | undefined; readonly limit: number },
    ) => {
      await channelOf(ship, nest);
      return readPageBefore(on, nest, { before, limit: Math.min(limit, MOST_POSTS) });
    },
    post: async (ship: string, nest: string, id: string) => {
      await channelOf(ship, nest);
      const post = await readPost(on, nest, id);
      if (post && post !== 'deleted') return post;
      throw new ApiError('ResourceNotFound', `There is no post ${id} in ${nest}.`);
    },
  };
};

const shown = ({ nest, flag, posts, doc }: StoredChannel, member: ChannelMembership | undefined) => ({
  ...{ nest, group: flag, posts, ...doc },
  hasJoined: member !== undefined,
  ...(member && { joined: member.joined, readAt: member.readAt, isWatched: member.isWatched }),
});
