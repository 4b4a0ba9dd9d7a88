// The channels that a group lists. What is in them, and who may write there, is kept by their host.
import type { Channel, ChannelDiff, Group } from '../types/group.ts';
import { changed, difference, type GroupChange, refused, UNCHANGED, union, without } from './group-change.ts';
import { place, sectionsWithout } from './sections.ts';

type ListedChannelChange = { readonly nest: string; readonly diff: ChannelDiff };

export const changeListedChannel = (group: Group, { nest, diff }: ListedChannelChange): GroupChange => {
  if ('add' in diff) return listChannel(group, nest, diff.add);
  const channel = Object.hasOwn(group.channels, nest) ? group.channels[nest] : undefined;
  if (!channel) return UNCHANGED;
  if ('edit' in diff) return replaceChannel(group, nest, channel, diff.edit);
  if ('del' in diff) return unlistChannel(group, nest);
  if ('zone' in diff) return moveChannel(group, nest, diff.zone);
  if ('join' in diff) return withChannel(group, nest, { ...channel, join: diff.join });
  if ('del-sects' in diff) {
    return withChannel(group, nest, { ...channel, readers: difference(channel.readers, diff['del-sects']) });
  }
  return withReaders(group, nest, { ...channel, readers: union(channel.readers, diff['add-sects']) });
};

const withChannel = (group: Group, nest: string, channel: Channel): GroupChange =>
  changed({ ...group, channels: { ...group.channels, [nest]: channel } });

const whyNotReaders = (group: Group, { readers }: Channel): string | undefined => {
  const unknown = readers.find((role) => !Object.hasOwn(group.cabals, role));
  return unknown === undefined ? undefined : `The role "${unknown}" is not defined in this group.`;
};

const withReaders = (group: Group, nest: string, channel: Channel): GroupChange => {
  const reason = whyNotReaders(group, channel);
  return reason === undefined ? withChannel(group, nest, channel) : refused(reason);
};

const noSection = (zone: string): GroupChange => refused(`The group has no section "${zone}".`);

const listChannel = (group: Group, nest: string, channel: Channel): GroupChange => {
  if (Object.hasOwn(group.channels, nest)) return refused(`The group lists ${nest} already.`);
  const reason = whyNotReaders(group, channel);
  if (reason !== undefined) return refused(reason);
  if (!Object.hasOwn(group.zones, channel.zone)) return noSection(channel.zone);
  const channels = { ...group.channels, [nest]: channel };
  const listed = place({ ...group, channels }, nest, channel.zone);
  const active = union(group['active-channels'], [nest]);
  return changed({ ...listed, 'active-channels': active }, { kind: 'channel-listed', nest });
};

/** Where the section changes too, the channel goes to the front of the new one. */
const replaceChannel = (group: Group, nest: string, before: Channel, channel: Channel): GroupChange => {
  const reason = whyNotReaders(group, channel);
  if (reason !== undefined) return refused(reason);
  if (!Object.hasOwn(group.zones, channel.zone)) return noSection(channel.zone);
  const replaced = { ...group, channels: { ...group.channels, [nest]: channel } };
  return changed(channel.zone === before.zone ? replaced : place(replaced, nest, channel.zone));
};

const moveChannel = (group: Group, nest: string, zone: string): GroupChange =>
  Object.hasOwn(group.zones, zone) ? changed(place(group, nest, zone)) : noSection(zone);

const unlistChannel = (group: Group, nest: string): GroupChange =>
  changed({
    ...group,
    channels: without(group.channels, [nest]),
    zones: sectionsWithout(group, nest),
    'active-channels': difference(group['active-channels'], [nest]),
  });
