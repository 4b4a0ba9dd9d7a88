// What ships do to channels, apart from posting in them.
import type { Transaction } from '../../database/database.ts';
import { type ActIn, type Acting, type ActResult, DONE, refuse } from '../acting.ts';
import { removeSource } from '../activity/act.ts';
import { recordActivity } from '../activity/record.ts';
import type { ChannelDiff, OwnDiff } from '../changes/channel-change.ts';
import { recordChanges } from '../changes/record-changes.ts';
import {
  type ChannelDoc,
  NEW_CHANNEL,
  readChannel,
  readChannelToChange,
  type StoredChannel,
  storeChannel,
  storeNewChannel,
} from '../channels/channel-store.ts';
import {
  hidePost,
  joinChannels,
  leaveChannels,
  MOST_HIDDEN,
  markRead,
  markReadUntil,
  readMembership,
  setWatched,
  showPost,
} from '../channels/membership-store.ts';
import { digits } from '../channels/post-command.ts';
import { difference, union } from '../groups/group-change.ts';
import { readGroup, readGroupToKeep, type StoredGroup } from '../groups/group-store.ts';
import { hostOf, isAdmin, mayRead } from '../groups/membership.ts';
import { DEFAULT_ZONE } from '../groups/new-group.ts';
import { idFromMillis } from '../schema/id.ts';
import type { ActionChannel, ActionChannels, ActionPost, CreateChannel } from '../types/channels.ts';
import { actOnGroups } from './group-actions.ts';

/** All but posts, which are turns. */
type PlainAction = Exclude<ActionChannel, { readonly post: ActionPost }>;

export const KINDS = ['chat', 'diary', 'heap'] as const;
const VIEWS = ['list', 'grid'] as const;
const SORTS = ['time', 'alpha', 'arranged'] as const;
/** Of an arrangement. */
const MOST_IN_ORDER = 10_000;
const MOST_WRITERS = 1_000;
const TOO_MANY_WRITERS = `A channel has at most ${MOST_WRITERS} roles that write.`;
const TOO_MANY_HIDDEN = `A ship hides at most ${MOST_HIDDEN} posts.`;
/** Characters. */
const LONGEST_META = 65_536;

const create = async (tx: Transaction, asked: CreateChannel, acting: Acting): Promise<ActResult> => {
  const { kind, name, group: flag, title, description, readers, writers } = asked;
  if (!isOneOf(KINDS, kind)) return refuse(`A channel is a ${KINDS.join(', ')}, and not a ${kind}.`);
  if (writers.length > MOST_WRITERS) return refuse(TOO_MANY_WRITERS);
  const nest = `${kind}/${acting.actor}/${name}`;
  const view = kind === 'heap' ? 'grid' : 'list';
  const doc: ChannelDoc = { ...NEW_CHANNEL, view, writers: [...new Set(writers)], meta: asked.meta ?? null };
  if (isTooLong(doc.meta)) return refuse(TOO_LONG);
  if (!(await storeNewChannel(tx, { nest, flag, doc }))) return refuse(`There is a channel ${nest} already.`);
  const change = { create: { by: acting.actor, writers: doc.writers } };
  await recordChanges(tx, [{ kind: 'channel', nest, flag, change }]);
  const meta = { title, description, image: '', cover: '' };
  const add = { meta, added: acting.now, zone: DEFAULT_ZONE, join: false, readers };
  const listed = await actOnGroups(tx, { flag, update: { diff: { channel: { nest, diff: { add } } } } }, acting);
  if (listed.kind === 'refused') return listed;
  await joinChannels(tx, flag, [{ nest, ship: acting.actor }], String(idFromMillis(acting.now)));
  return DONE;
};

const join = async (tx: Transaction, { nest, flag }: StoredChannel, asked: string, { actor, now }: Acting) => {
  // Kept as it is until the join is committed: whoever is removed meanwhile is not in afterwards.
  const group = await readGroupToKeep(tx, flag);
  if (!isShown(group, nest, actor)) return refuse(`There is no channel ${nest}.`);
  if (asked !== flag) return refuse(`${nest} is no channel of ${asked}.`);
  const joined = await joinChannels(tx, flag, [{ nest, ship: actor }], String(idFromMillis(now)));
  if (joined.length > 0) {
    await recordActivity(tx, [{ owner: actor, event: { 'chan-init': { channel: nest, group: flag } } }], now);
  }
  return DONE;
};

const leave = async (tx: Transaction, { nest, flag }: StoredChannel, { actor }: Acting): Promise<ActResult> => {
  const left = await leaveChannels(tx, [nest], [actor]);
  if (left.length > 0) await removeSource(tx, actor, { channel: { nest, group: flag } });
  return DONE;
};

const own = async (tx: Transaction, nest: string, action: PlainAction, { actor }: Acting): Promise<ActResult> => {
  if (!(await readMembership(tx, nest, actor))) return refuse(`You have not joined ${nest}.`);
  if ('read' in action) await markRead(tx, nest, actor);
  else if ('read-at' in action) await markReadUntil(tx, nest, actor, digits(action['read-at']));
  else await setWatched(tx, nest, actor, 'watch' in action);
  await recordChanges(tx, [{ kind: 'own-channel', nest, ship: actor, change: ownDiffOf(action) }]);
  return DONE;
};

const ownDiffOf = (action: PlainAction): OwnDiff => {
  if ('read-at' in action) return { 'read-at': digits(action['read-at']) };
  if ('read' in action) return { read: null };
  return 'watch' in action ? { watch: null } : { unwatch: null };
};

const change = async (tx: Transaction, nest: string, action: PlainAction, acting: Acting): Promise<ActResult> => {
  if ('read' in action || 'read-at' in action || 'watch' in action || 'unwatch' in action) {
    return own(tx, nest, action, acting);
  }
  // Who changes a group locks it before its channels.
  const isOwn = 'leave' in action || 'join' in action;
  const channel = isOwn ? await readChannel(tx, nest) : await readChannelToChange(tx, nest);
  if ('leave' in action) return channel ? leave(tx, channel, acting) : DONE;
  if (!channel) return refuse(`There is no channel ${nest}.`);
  if ('join' in action) return join(tx, channel, action.join, acting);
  const group = await readGroup(tx, channel.flag);
  if (!isShown(group, nest, acting.actor)) return refuse(`There is no channel ${nest}.`);
  if (!isChannelAdmin(group, nest, acting.actor)) return refuse('Only admins of the group change its channels.');
  const doc = changeDoc(channel.doc, action);
  if (typeof doc === 'string') return refuse(doc);
  if (JSON.stringify(doc) !== JSON.stringify(channel.doc)) await storeChannel(tx, channel, doc, diffOf(action, doc));
  return DONE;
};

export const actOnChannels: ActIn<ActionChannels> = async (tx, asked, acting) => {
  if ('create' in asked) return create(tx, asked.create, acting);
  if ('pin' in asked) return DONE; // clients keep their own pins
  if ('toggle-post' in asked) {
    const toggle = asked['toggle-post'];
    const isHidden = 'hide' in toggle;
    const id = digits(isHidden ? toggle.hide : toggle.show);
    if (!isHidden) await showPost(tx, acting.actor, id);
    else if (!(await hidePost(tx, acting.actor, id))) return refuse(TOO_MANY_HIDDEN);
    await recordChanges(tx, [{ kind: 'hidden-post', ship: acting.actor, id, isHidden }]);
    return DONE;
  }
  const { nest, action } = asked.channel;
  if ('post' in action) throw new Error('a post is a turn');
  return change(tx, nest, action, acting);
};

/** Whoever may not read a channel is answered as if it were not there. */
const isShown = (group: StoredGroup | undefined, nest: string, ship: string): boolean =>
  hostOf(nest) === ship || (group !== undefined && mayRead(group, nest, ship));

const isChannelAdmin = (group: StoredGroup | undefined, nest: string, ship: string): boolean =>
  hostOf(nest) === ship || (group !== undefined && isAdmin(group, ship));

const isOneOf = <One extends string>(list: readonly One[], text: string): text is One =>
  (list as readonly string[]).includes(text);

type DocAction = Extract<
  PlainAction,
  | { view: unknown }
  | { sort: unknown }
  | { order: unknown }
  | { meta: unknown }
  | { 'add-writers': unknown }
  | { 'del-writers': unknown }
>;

/** The channel's document after the change, or why there is none. */
const changeDoc = (doc: ChannelDoc, action: DocAction): ChannelDoc | string => {
  if ('view' in action) {
    return isOneOf(VIEWS, action.view) ? { ...doc, view: action.view } : `A view is ${VIEWS.join(' or ')}.`;
  }
  if ('sort' in action) {
    return isOneOf(SORTS, action.sort) ? { ...doc, sort: action.sort } : `A sort is one of ${SORTS.join(', ')}.`;
  }
  if ('order' in action) {
    if ((action.order?.length ?? 0) > MOST_IN_ORDER) return `At most ${MOST_IN_ORDER} posts can be arranged.`;
    return { ...doc, order: action.order && [...new Set(action.order.map(digits))] };
  }
  if ('meta' in action) return isTooLong(action.meta) ? TOO_LONG : { ...doc, meta: action.meta };
  if ('add-writers' in action) {
    const writers = union(doc.writers, action['add-writers']);
    return writers.length > MOST_WRITERS ? TOO_MANY_WRITERS : { ...doc, writers };
  }
  return { ...doc, writers: difference(doc.writers, action['del-writers']) };
};

const TOO_LONG = `The meta of a channel has at most ${LONGEST_META} characters.`;
const isTooLong = (meta: string | null | undefined): boolean => (meta ?? '').length > LONGEST_META;

const diffOf = (action: PlainAction, { view, sort, order, meta, writers }: ChannelDoc): ChannelDiff => {
  if ('view' in action) return { view };
  if ('sort' in action) return { sort };
  if ('order' in action) return { order };
  return 'meta' in action ? { meta: meta ?? null } : { writers };
};
