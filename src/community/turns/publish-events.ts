// What happens in channels, told on the broker: whoever is bound there hears of it, task hooks
// first of all.
import type { Broker, OutgoingMessage } from '../../broker/broker.ts';
import { CHANNEL_EVENTS } from '../../broker/names.ts';
import { toIso } from '../../core/clock.ts';
import { millisFromId } from '../schema/id.ts';
import type { Event } from '../types/event.ts';
import type { Happened, PublishEvents } from './commit-turns.ts';

export const createPublishEvents =
  ({ publish, boundAmong }: Pick<Broker, 'publish' | 'boundAmong'>): PublishEvents =>
  async (tx, happened) => {
    const isHeard = boundAmong === undefined || (await boundAmong(tx, [CHANNEL_EVENTS])).has(CHANNEL_EVENTS);
    if (isHeard) await publish(tx, happened.map(messageOf));
  };

const messageOf = ({ nest, flag, actor, now, ...happened }: Happened): OutgoingMessage => {
  const [kind = '', host = '', name = ''] = nest.split('/');
  const { event, ...detail } = describe(happened.event);
  const body = { nest, group: flag, event, ship: actor, time: toIso(now), ...detail };
  return { exchange: CHANNEL_EVENTS, routingKey: `${kind}.${host}.${name}.${event}`, body };
};

type Told = { readonly event: string; readonly [detail: string]: unknown };

/** The event in one word, with what it is about; the thread around a reply is left out. */
const describe = (event: Event): Told => {
  if ('on-post' in event) {
    const on = event['on-post'];
    if ('add' in on) return { event: 'post-add', ...postOf(on.add.seal.id), ...on.add.essay };
    if ('edit' in on) return { event: 'post-edit', ...postOf(on.edit.original.seal.id), ...on.edit.essay };
    if ('del' in on) return { event: 'post-del', ...postOf(on.del.seal.id) };
    const { post, ship, react } = on.react;
    return { event: 'post-react', ...postOf(post.seal.id), reactor: ship, react };
  }
  if ('on-reply' in event) {
    const on = event['on-reply'];
    if ('add' in on) {
      const { id, content, author, sent } = on.add.reply;
      return { event: 'reply-add', ...postOf(on.add.parent.seal.id), reply: id, content, author, sent };
    }
    if ('edit' in on) {
      const { parent, original, memo } = on.edit;
      return { event: 'reply-edit', ...postOf(parent.seal.id), reply: original.id, ...memo };
    }
    if ('del' in on) return { event: 'reply-del', ...postOf(on.del.parent.seal.id), reply: on.del.original.id };
    const { parent, reply, ship, react } = on.react;
    return { event: 'reply-react', ...postOf(parent.seal.id), reply: reply.id, reactor: ship, react };
  }
  throw new Error('only posts and replies are told');
};

const postOf = (id: string) => ({ post: id, posted: toIso(millisFromId(BigInt(id))) });
