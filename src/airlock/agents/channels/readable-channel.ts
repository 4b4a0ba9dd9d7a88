// Channels that a ship may read, as the community has it.
import { readChannel, type StoredChannel } from '../../../community/channels/channel-store.ts';
import { readGroup } from '../../../community/groups/group-store.ts';
import { hostOf, mayRead } from '../../../community/groups/membership.ts';
import type { Queryable } from '../../../database/database.ts';

/** undefined: there is none, or none that the ship may read. */
export const readableChannel = async (
  from: Queryable,
  nest: string,
  ship: string,
): Promise<StoredChannel | undefined> => {
  const channel = await readChannel(from, nest);
  if (!channel || hostOf(nest) === ship) return channel;
  const group = await readGroup(from, channel.flag);
  return group && mayRead(group, nest, ship) ? channel : undefined;
};
