// What cannot be in an event or a bowl that somebody wrote by hand. A dry run goes on all the same:
// a script should survive it.
import { decoder } from '../../community/schema/decode.ts';
import { Flag, Nest, Ship } from '../../community/schema/scalars.ts';
import { Event } from '../../community/types/event.ts';
import { VPost } from '../../community/types/posts.ts';
import { nearest } from '../../core/nearest.ts';
import { eventKindName } from '../sandbox/lazy-event.ts';
import type { Bowl } from '../types.ts';

const checkEvent = decoder(Event);
const checkPost = decoder(VPost);
const isShip = (value: unknown): boolean => decoder(Ship)(value).ok;
const isNest = (value: unknown): boolean => decoder(Nest)(value).ok;
const isFlag = (value: unknown): boolean => decoder(Flag)(value).ok;

const BOWL_KEYS = ['our', 'src', 'now', 'state', 'stateJson', 'config', 'hook', 'channel', 'group'];

/** One line a problem; none for what can be. `given` is the bowl as it was written. */
export const warningsOf = (event: unknown, bowl: Bowl, given: unknown): string[] => [
  ...eventWarnings(event, bowl),
  ...unknownKeys('bowl', given, BOWL_KEYS),
  ...bowlWarnings(bowl),
];

const eventWarnings = (event: unknown, bowl: Bowl): string[] => {
  const kind = eventKindName(event);
  if (kind === undefined) return [];
  const checked = checkEvent(event);
  const warnings = checked.ok
    ? (checked.ignored ?? []).map(({ pointer }) => `event ${pointer}: an event has one key, and this is a second`)
    : [`event ${checked.pointer}: ${checked.reason}`];
  for (const path of ['on-post/add/essay', 'on-post/edit/essay', 'on-reply/add/reply', 'on-reply/edit/memo']) {
    const content = valueAt(event, `${path}/content`);
    if (Array.isArray(content) && content.length === 0) {
      warnings.push(`event /${path}/content: is empty; clients send no empty posts`);
    }
    const data = valueAt(event, `${path}/kind-data`);
    const channelKind = String(bowl.channel?.nest).split('/')[0] as string;
    if (typeof data === 'object' && data !== null && bowl.channel !== null && !Object.hasOwn(data, channelKind)) {
      warnings.push(`event /${path}/kind-data: is not that of a ${channelKind} channel`);
    }
  }
  if (kind.startsWith('on-') && bowl.channel === null)
    warnings.push('bowl.channel: is null, and posts are in a channel');
  return warnings;
};

const bowlWarnings = ({ our, src, config, hook, channel, group }: Bowl): string[] => {
  const warnings: string[] = [];
  const warn = (fits: boolean, text: string): void => {
    if (!fits) warnings.push(text);
  };
  const object = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
  for (const [key, ship] of Object.entries({ our, src })) warn(isShip(ship), `bowl.${key}: ${show(ship)} is no ship`);
  warn(object(config), `bowl.config: must be an object, not ${show(config)}`);
  warn(
    object(hook) && typeof hook.id === 'string' && typeof hook.name === 'string',
    'bowl.hook: must be {id, name}, both texts',
  );
  if (object(channel) && channel !== null) {
    warnings.push(...unknownKeys('bowl.channel', channel, ['nest', 'posts']));
    warn(isNest(channel.nest), `bowl.channel.nest: ${show(channel.nest)} is no channel, such as chat/~zod/lounge`);
    const host = String(channel.nest).split('/')[1];
    warn(
      !isNest(channel.nest) || !isShip(our) || host === our,
      `bowl.our: hooks run on the host of the channel, ${host}`,
    );
    const posts = channel.posts;
    if (!Array.isArray(posts)) warn(posts !== undefined, 'bowl.channel.posts: is missing');
    else {
      for (const [index, post] of posts.entries()) {
        const checked = checkPost(post);
        if (!checked.ok) warnings.push(`bowl.channel.posts/${index}${checked.pointer}: ${checked.reason}`);
        if (warnings.length > MOST_WARNINGS) break;
      }
    }
  } else warn(channel === null, `bowl.channel: must be {nest, posts} or null, not ${show(channel)}`);
  if (object(group) && group !== null) {
    warn(isFlag(group.flag), `bowl.group.flag: ${show(group.flag)} is no group, such as ~zod/club`);
    warn(object(group.fleet), 'bowl.group.fleet: must be an object of ships');
    for (const [ship, member] of Object.entries(group.fleet ?? {})) {
      warn(isShip(ship), `bowl.group.fleet: ${show(ship)} is no ship`);
      warn(Array.isArray(member?.sects), `bowl.group.fleet/${ship}: has no sects, the list of roles`);
    }
  } else warn(group === null, `bowl.group: must be {flag, fleet} or null, not ${show(group)}`);
  return warnings.slice(0, MOST_WARNINGS);
};

const MOST_WARNINGS = 20;

const unknownKeys = (what: string, value: unknown, known: readonly string[]): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.keys(value)
        .filter((key) => !known.includes(key))
        .map((key) => {
          const meant = nearest(key, known);
          return `${what}.${key}: there is no such key${meant === undefined ? '' : `; ${meant} is meant?`}`;
        });

const valueAt = (root: unknown, path: string): unknown =>
  path.split('/').reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], root);

const show = (value: unknown): string => JSON.stringify(value) ?? String(value);
