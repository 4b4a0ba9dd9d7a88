// Where an activity belongs: sources are a tree, and what happens in one shows in those above it.
import type { ActivitySource, IncomingEvent } from '../types/activity.ts';

export const BASE: ActivitySource = { base: null };

/** The source in which this event shows first. */
export const sourceOf = (event: IncomingEvent): ActivitySource => {
  if ('post' in event) return channelSource(event.post);
  if ('chan-init' in event) return channelSource(event['chan-init']);
  if ('reply' in event) {
    const { parent: key, channel, group } = event.reply;
    return { thread: { key, channel, group } };
  }
  if ('dm-invite' in event) return { dm: event['dm-invite'] };
  if ('dm-post' in event) return { dm: event['dm-post'].whom };
  if ('dm-reply' in event) return { 'dm-thread': { key: event['dm-reply'].parent, whom: event['dm-reply'].whom } };
  const [{ group }] = Object.values(event) as [{ readonly group: string }];
  return { group };
};

const channelSource = ({ channel: nest, group }: { readonly channel: string; readonly group: string }) => ({
  channel: { nest, group },
});

/** The source above; undefined for the base of all. */
export const parentOf = (source: ActivitySource): ActivitySource | undefined => {
  if ('base' in source) return undefined;
  if ('channel' in source) return { group: source.channel.group };
  if ('thread' in source) return channelSource(source.thread);
  if ('dm-thread' in source) return { dm: source['dm-thread'].whom };
  return BASE;
};

/** The source and those above it, up to the base. */
export const wayUp = (source: ActivitySource): readonly ActivitySource[] => {
  const parent = parentOf(source);
  return parent ? [source, ...wayUp(parent)] : [source];
};

/** A source as a text: different for different ones, and the same for the same. */
export const keyOf = (source: ActivitySource): string => {
  if ('base' in source) return 'base';
  if ('group' in source) return `group/${source.group}`;
  if ('channel' in source) return `channel/${source.channel.nest}`;
  if ('thread' in source) return `thread/${source.thread.channel}/${source.thread.key.time}`;
  if ('contact' in source) return `contact/${source.contact}`;
  if ('dm' in source) return `dm/${'ship' in source.dm ? source.dm.ship : source.dm.club}`;
  const { key, whom } = source['dm-thread'];
  return `dm-thread/${'ship' in whom ? whom.ship : whom.club}/${key.id}`;
};
