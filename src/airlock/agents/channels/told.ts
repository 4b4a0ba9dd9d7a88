// Facts for those who watch channels.
import type { Change } from '../../../community/changes/change.ts';
import type { ChannelChange } from '../../../community/changes/channel-change.ts';
import { readTalks } from '../../../community/channels/kept-posts.ts';
import { withDots } from '../../../community/schema/id.ts';
import type { Queryable } from '../../../database/database.ts';
import type { ReplyMeta } from '../../vocabulary/posts.ts';
import type { Agent, Fact } from '../agent.ts';
import { createReadAudience } from './audience.ts';
import { channelResponse, pendingFact, postFact, replyFact, responseFact } from './facts.ts';
import { metaOf } from './show-post.ts';

const UPDATES = '/v4';

export const createFactsOf = (from: Queryable): NonNullable<Agent['factsOf']> => {
  const readAudience = createReadAudience(from);

  return async (changes, watchers) => {
    const watching = new Map(watchers.flatMap((one) => (one.path === UPDATES ? [[one.ship, one] as const] : [])));
    const told = watching.size === 0 ? [] : changes.filter(isOfChannels);
    const nests = new Set(told.flatMap((change) => (isForAll(change) ? [change.nest] : [])));
    const audience = await readAudience([...nests], [...watching.keys()]);
    const heard = told.flatMap((change) => {
      const ships = hearersOf(change, audience).filter((ship) => watching.has(ship));
      return ships.length === 0 ? [] : [{ change, ships }];
    });
    const posts = heard.flatMap(({ change }) =>
      change.kind === 'reply' ? [{ nest: change.nest, id: change.post }] : [],
    );
    const talkOf = await readTalks(from, posts);
    return heard.flatMap(({ change, ships }) => {
      const talk = change.kind === 'reply' ? talkOf({ nest: change.nest, id: change.post }) : undefined;
      const facts = factsOfChange(change, talk && metaOf(talk));
      return ships.flatMap((ship) => {
        const watcher = watching.get(ship);
        return watcher ? facts.flatMap(({ fact, to = ship }) => (to === ship ? [{ watcher, fact }] : [])) : [];
      });
    });
  };
};

const KINDS: ReadonlySet<string> = new Set<ChannelChange['kind']>([
  ...(['post', 'reply', 'channel', 'joined', 'left', 'own-channel', 'hidden-post'] as const),
]);

const isOfChannels = (change: Change): change is ChannelChange => KINDS.has(change.kind);

type ForAll = Extract<ChannelChange, { kind: 'post' | 'reply' | 'channel' }>;

/** Who hears of it is whoever has joined the channel. */
const isForAll = (change: ChannelChange): change is ForAll =>
  change.kind === 'post' || change.kind === 'reply' || change.kind === 'channel';

const hearersOf = (change: ChannelChange, audience: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] => {
  if (change.kind === 'joined' || change.kind === 'left') return change.ships;
  if (!isForAll(change)) return [change.ship];
  const joined = audience.get(change.nest) ?? [];
  const isNew = change.kind === 'channel' && 'create' in change.change;
  return [...new Set([...(isNew ? [change.change.create.by] : []), ...joined])];
};

/** `to`: the only one who hears it. */
type Told = { readonly fact: Fact; readonly to?: string };

const factsOfChange = (change: ChannelChange, meta: ReplyMeta | undefined): readonly Told[] => {
  switch (change.kind) {
    case 'post':
    case 'reply': {
      const { author } = change.kind === 'post' ? change.post : change.reply;
      const pending = pendingFact(change, meta);
      const fact = change.kind === 'post' ? postFact(change) : replyFact(change, meta);
      return [...(pending ? [{ fact: pending, to: author }] : []), { fact }];
    }
    case 'channel':
      return [{ fact: responseFact(change.nest, channelResponse(change.flag, change.change)) }];
    case 'joined':
      return [{ fact: responseFact(change.nest, { join: change.flag }) }];
    case 'left':
      return [{ fact: responseFact(change.nest, { leave: null }) }];
    case 'own-channel':
      return [{ fact: responseFact(change.nest, ownResponse(change.change)) }];
    case 'hidden-post': {
      const id = withDots(change.id);
      return [{ fact: { mark: 'toggle-post', json: change.isHidden ? { hide: id } : { show: id } } }];
    }
  }
};

const ownResponse = (change: Extract<ChannelChange, { kind: 'own-channel' }>['change']): object =>
  'read-at' in change ? { 'read-at': withDots(change['read-at']) } : change;
