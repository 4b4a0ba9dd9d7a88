// How loud an event is: whether it counts as unread, and whether its owner is told at once.
import type { ActivitySource, IncomingEvent, VolumeMap } from '../types/activity.ts';
import { keyOf, sourceOf, wayUp } from './sources.ts';

export type Volume = { readonly unreads: boolean; readonly notify: boolean };
/** How much a ship wants to be told of at all. */
export const LEVELS = ['all', 'some', 'none'] as const;
export type Level = (typeof LEVELS)[number];

const LOUD: Volume = { unreads: true, notify: true };
const QUIET: Volume = { unreads: true, notify: false };

const DEFAULTS: Readonly<Record<string, Volume>> = {
  post: LOUD,
  'post-mention': LOUD,
  reply: QUIET,
  'reply-mention': LOUD,
  'dm-invite': LOUD,
  'dm-post': LOUD,
  'dm-post-mention': LOUD,
  'dm-reply': LOUD,
  'dm-reply-mention': LOUD,
  'group-invite': LOUD,
  'group-ask': LOUD,
  'group-kick': QUIET,
  'group-join': QUIET,
  'group-role': QUIET,
  'flag-post': LOUD,
  'flag-reply': LOUD,
  contact: { unreads: false, notify: false },
};

/** Those of `some`: somebody speaks to the ship, or invites it. */
const SPOKEN = /^(post|reply|dm-post|dm-reply|dm-invite|group-invite)(-mention)?$/;
/** Messages; all else happens, and is not read. */
const MESSAGE = /^(post|reply|dm-post|dm-reply)(-mention)?$/;

/** The key of an event in a volume map: with `-mention` where it mentions the ship. */
export const volumeKeyOf = (event: IncomingEvent): string => {
  const [[kind = '', detail] = []] = Object.entries(event);
  const mentions = typeof detail === 'object' && 'mention' in detail && detail.mention === true;
  return mentions ? `${kind}-mention` : kind;
};

export type VolumeSettings = Readonly<Record<string, VolumeMap>>;

/** How loud a kind is: as set for the source or, if it is not, for the nearest one above it. */
export const volumeIn = (kind: string, settings: VolumeSettings, source: ActivitySource): Volume => {
  for (const above of wayUp(source)) {
    const own = settings[keyOf(above)];
    if (own !== undefined && Object.hasOwn(own, kind)) return own[kind] as Volume;
  }
  return Object.hasOwn(DEFAULTS, kind) ? (DEFAULTS[kind] as Volume) : QUIET;
};

export const volumeOf = (event: IncomingEvent, settings: VolumeSettings, source = sourceOf(event)): Volume =>
  volumeIn(volumeKeyOf(event), settings, source);

/** Events of these kinds are messages that somebody reads; no others are unread. */
export const countsAsUnread = (kind: string, volume: Volume): boolean => volume.unreads && MESSAGE.test(kind);

export const notifies = (event: IncomingEvent, volume: Volume, level: Level): boolean =>
  volume.notify && (level === 'all' || (level === 'some' && SPOKEN.test(volumeKeyOf(event))));
