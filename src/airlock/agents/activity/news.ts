// What a change means to the activity of ships that watch it. Posts and replies of channels are
// counted when somebody looks; whoever watches is told of them as they come.
import { mentionsIn } from '../../../community/activity/mentions.ts';
import { BASE, keyOf, sourceOf } from '../../../community/activity/sources.ts';
import type { ActivitySummary } from '../../../community/activity/summary.ts';
import { type Level, notifies, type VolumeSettings, volumeOf } from '../../../community/activity/volume.ts';
import type { Change } from '../../../community/changes/change.ts';
import { withDots } from '../../../community/schema/id.ts';
import type { ActivitySource, IncomingEvent } from '../../../community/types/activity.ts';
import { airlockEvent, airlockSourceKey, airlockSummary, NOTHING } from '../../vocabulary/activity.ts';
import type { Json } from '../agent.ts';
import type { LookedUp } from './look-up.ts';

/** What is so for a ship after all changes. */
export type Standing = {
  readonly summary: ActivitySummary;
  readonly volumes: VolumeSettings;
  readonly level: Level;
};

export type News = {
  readonly ship: string;
  /** It counts anew, with all that is above it; undefined: nothing does. */
  readonly source?: ActivitySource;
  /** All below it, too. */
  readonly isDeep?: boolean;
  /** What is told beside the numbers; it may depend on them. */
  readonly tell?: (standing: Standing) => Json | undefined;
};

export const newsOf = (change: Change, found: LookedUp): readonly News[] => {
  switch (change.kind) {
    case 'told':
      return change.events.flatMap(({ owner, time }) => {
        const event = found.toldTo(owner, time);
        return event ? [added(owner, event.event, time, () => event.wasNotified)] : [];
      });
    case 'message':
      if (!('del' in change.delta)) return []; // what is new is told to each
      return change.copies.map(({ owner: ship, whom }) => ({
        ship,
        source: { dm: whom.startsWith('~') ? { ship: whom } : { club: whom } },
        isDeep: true,
      }));
    case 'post':
    case 'reply':
      return newsOfChannel(change, found);
    case 'own-channel':
      return found
        .joined(change.nest)
        .filter(({ ship }) => ship === change.ship)
        .map(({ ship, flag: group }) => read(ship, { channel: { nest: change.nest, group } }));
    case 'activity-read':
      return [{ ...read(change.owner, change.source), isDeep: change.isDeep }];
    case 'activity-removed':
      return change.owners.map((ship) => ({
        ...{ ship, source: change.source, isDeep: true },
        tell: () => ({ del: change.source }),
      }));
    case 'joined':
      return change.ships.map((ship) => ({ ship, source: { channel: { nest: change.nest, group: change.flag } } }));
    case 'left':
      return change.ships.map((ship) => ({ ship, source: BASE, isDeep: true }));
    case 'volume': {
      const { owner: ship, source, volume } = change;
      return [{ ship, source, isDeep: true, tell: () => ({ adjust: { source, volume } }) }];
    }
    case 'notifications':
      return [{ ship: change.owner, tell: () => ({ 'allow-notifications': change.level }) }];
    default:
      return [];
  }
};

const added = (ship: string, event: IncomingEvent, time: string, isNotified: (standing: Standing) => boolean): News => {
  const source = sourceOf(event);
  return {
    ship,
    source,
    tell: (standing) => ({
      add: {
        'source-key': airlockSourceKey(keyOf(source)),
        source,
        time: withDots(time),
        event: airlockEvent(event, isNotified(standing)),
      },
    }),
  };
};

const read = (ship: string, source: ActivitySource): News => ({
  ship,
  source,
  tell: ({ summary }) => {
    const found = summary.get(keyOf(source));
    return { read: { source, activity: found ? airlockSummary(found) : NOTHING } };
  },
});

/** To those who have joined: what is new of others, and that something is gone or read. */
const newsOfChannel = (change: Change & { kind: 'post' | 'reply' }, found: LookedUp): readonly News[] => {
  const { nest: channel, did } = change;
  if (did !== 'add' && did !== 'del') return [];
  const { id, author, doc } = change.kind === 'post' ? change.post : change.reply;
  const post = change.kind === 'post' ? id : change.post;
  const by = change.kind === 'post' ? author : found.authorOf(channel, post);
  if (by === undefined) return [];
  const content = doc && ('essay' in doc ? doc.essay.content : doc.content);
  const mentions = mentionsIn(content ?? []);
  const keys = { key: messageKey(author, id), ...(change.kind === 'reply' && { parent: messageKey(by, post) }) };
  return found.joined(channel).map(({ ship, flag: group }): News => {
    const source = { channel: { nest: channel, group } };
    const thread = { thread: { key: messageKey(by, post), channel, group } };
    if (did === 'del' || content === null || author === ship) {
      return { ship, source: change.kind === 'post' ? source : thread };
    }
    const said = { ...keys, channel, group, content, mention: mentions(ship) };
    const event = { [change.kind]: said } as IncomingEvent;
    return added(ship, event, id, ({ volumes, level }) => notifies(event, volumeOf(event, volumes), level));
  });
};

const messageKey = (author: string, id: string) => ({ id: `${author}/${withDots(id)}`, time: withDots(id) });
