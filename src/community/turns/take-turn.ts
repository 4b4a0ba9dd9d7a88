// The turn: one action on a post of a channel. Permission, the event, the channel's hooks in their
// order, the decision, then one commit with everything that comes of it. Turns of one channel are
// serial, those of different channels run side by side.
import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../database/database.ts';
import { type ActResult, DONE, refuse } from '../acting.ts';
import type { Did } from '../changes/channel-change.ts';
import { newPostId } from '../channels/new-post-id.ts';
import { digits, type KnownPost, postIdOf, replyOf, type Standing, whyNot } from '../channels/post-command.ts';
import { applyEvent, denialOf, eventOf, type PostAfter, reactorOf } from '../channels/post-event.ts';
import { createPostPages } from '../channels/post-pages.ts';
import { bare, readReplies, whole } from '../channels/post-store.ts';
import { whyThreadTooLarge } from '../contents.ts';
import { hostOf, isAdmin, mayRead, mayWrite } from '../groups/membership.ts';
import type { ActionPost } from '../types/channels.ts';
import type { Event } from '../types/event.ts';
import type { VPost } from '../types/posts.ts';
import type { Attempts } from './attempts.ts';
import type { ChannelWrite, Happened } from './commit-turns.ts';
import { createLocks } from './locks.ts';
import type { ReadTurn, TurnView } from './read-turn.ts';
import type { TurnHooks, TurnRuns } from './turn-hooks.ts';

export type PostCommand = {
  readonly nest: string;
  readonly action: ActionPost;
  readonly actor: string;
  readonly depth: number;
  readonly effectsLeft?: number | undefined;
  /** The effect that this is; it is done with the commit, whatever comes of it. */
  readonly effect?: string | undefined;
};

export type TurnResult = ActResult | { readonly kind: 'denied'; readonly reason: string };

export type TakeTurn = (command: PostCommand) => Promise<TurnResult>;

export type TakeTurnSettings = {
  readonly database: Database;
  readonly clock: Clock;
  readonly readTurn: ReadTurn;
  readonly hooks: TurnHooks | undefined;
  readonly attempts: Attempts;
};

/** Of one post. */
const MOST_REPLIES = 5_000;

export const createTakeTurn = (settings: TakeTurnSettings): TakeTurn => {
  const { database, clock, readTurn, hooks, attempts } = settings;
  const channels = createLocks();

  /** What comes of it, before anything is written. */
  const decide = async (command: PostCommand, runs: TurnRuns | undefined): Promise<Decision> => {
    const { nest, action, actor, depth, effectsLeft } = command;
    const post = postIdOf(action);
    const isNewReply = 'reply' in action && 'add' in action.reply.action;
    const view = await readTurn(database, { nest, actor, post, reply: replyIdOf(action) });
    if (!view?.hasJoined) return { result: refuse(whyOutside(view, nest, actor)) };
    const standing = standingOf(view, nest, actor);
    const reason = whyNot(standing, action, view.post);
    if (reason !== undefined) return { result: refuse(reason) };
    if (isNewReply && view.replies >= MOST_REPLIES)
      return { result: refuse(`A post has at most ${MOST_REPLIES} replies.`) };
    const now = clock.now();
    const id = newPostId(now, 'reply' in action ? view.newestReply : view.newestPost);
    const before = runs ? await withReplies(view.post, nest) : view.post;
    const event = eventOf(action, before, id);
    if (!event) return { result: DONE };
    const posts = createPostPages(database, nest, view.posts);
    const verdict = await runs?.run({
      ...{ nest, event, src: actor, now, depth, effectsLeft, posts },
      group: view.group,
    });
    if (verdict?.kind === 'denied') {
      return { result: { kind: 'denied', reason: verdict.reason ?? denialOf(event) }, isRun: true };
    }
    const final = verdict?.event ?? event;
    const reactor = reactorOf(final);
    if (reactor !== undefined && reactor !== actor && actor !== standing.host) {
      return { result: refuse('You can react in your own name only.') };
    }
    const after = applyEvent(event, final);
    const result: TurnResult = 'add' in action || isNewReply ? { kind: 'done', id } : DONE;
    if (!after) return { result, isRun: true };
    const happened = { nest, flag: view.flag, event: final, actor, now };
    const channel = writeOf(view, command, after, happened);
    const tooLarge = whyTooLargeWith(view, channel);
    return tooLarge === undefined ? { result, isRun: true, channel } : { result: refuse(tooLarge) };
  };

  const withReplies = async (post: KnownPost, nest: string): Promise<KnownPost> =>
    post === undefined || post === 'deleted' ? post : whole(post, await readReplies(database, nest, post.seal.id));

  return async (command) => {
    const { nest, effect } = command;
    const release = await channels.take([nest]);
    try {
      return await attempts<TurnResult>({
        nest,
        begin: async () => hooks?.begin(nest),
        beginLocked: async (tx) => hooks?.beginLocked(nest, tx),
        whenDoneBefore: DONE,
        attempt: async (runs, commit) => {
          const { result, isRun = false, channel } = await decide(command, runs);
          const written = isRun ? runs?.writes() : undefined;
          const refusal = result.kind === 'done' ? undefined : result.reason;
          if (channel || written || effect !== undefined) {
            commit({ channel, hooks: written, effect: effect === undefined ? undefined : { id: effect, refusal } });
          }
          return { result, isKept: written !== undefined };
        },
      });
    } finally {
      release();
    }
  };
};

type Decision = {
  readonly result: TurnResult;
  /** Hooks have run, and what they leave counts. */
  readonly isRun?: boolean;
  readonly channel?: ChannelWrite;
};

const replyIdOf = (action: ActionPost): string | undefined => {
  if (!('reply' in action)) return undefined;
  const asked = action.reply.action;
  if ('add' in asked) return undefined;
  if ('del' in asked) return digits(asked.del);
  if ('edit' in asked) return digits(asked.edit.id);
  return digits('add-react' in asked ? asked['add-react'].id : asked['del-react'].id);
};

/** Whoever may not read a channel hears what is said of one that is not there. */
const whyOutside = (view: TurnView | undefined, nest: string, actor: string): string => {
  const group = view?.group;
  const isThere = group && Object.hasOwn(group.group.channels, nest) && mayRead(group, nest, actor);
  return isThere ? `You have not joined ${nest}.` : `There is no channel ${nest}.`;
};

const standingOf = ({ group, doc }: TurnView, nest: string, actor: string): Standing => {
  const host = hostOf(nest);
  const isHost = actor === host;
  return {
    actor,
    host,
    kind: nest.slice(0, nest.indexOf('/')),
    isAdmin: isHost || (group !== undefined && isAdmin(group, actor)),
    mayWrite: isHost || (group !== undefined && mayWrite(group, nest, actor, doc.writers)),
  };
};

const writeOf = (
  view: TurnView,
  { nest, action, actor }: PostCommand,
  after: PostAfter,
  happened: Happened,
): ChannelWrite => {
  const { version, flag, group } = view;
  const isNew = 'add' in action;
  return {
    ...{ nest, version, flag, happened, did: didOf(happened.event) },
    groupVersion: group?.version ?? null,
    more: isNew ? 1 : after.post === 'deleted' ? -1 : 0,
    ...rowsOf(after, view, isNew, happened.now),
    ...(isNew && { reader: { ship: actor, until: after.id } }),
  };
};

type Rows = Pick<ChannelWrite, 'post' | 'replies'>;

const didOf = (event: Event): Did => {
  const [did] = Object.values(event).flatMap((on) => Object.keys(on ?? {})) as Did[];
  if (did === undefined) throw new Error('only posts and replies are written');
  return did;
};

const rowsOf = ({ id, post, reply }: PostAfter, view: TurnView, isNew: boolean, now: number): Rows => {
  const known = view.post === 'deleted' ? undefined : view.post;
  const modified = isNew ? null : now;
  if (reply) {
    const before = known && replyOf(known, reply.id);
    const author = (reply.reply ?? before)?.author ?? '';
    return { replies: [{ post: id, id: reply.id, author, doc: reply.reply, modified: before ? now : null }] };
  }
  const seq = view.seq ?? view.newestSeq + 1;
  if (post === 'deleted') {
    return { post: { id, author: known?.essay.author ?? '', doc: null, modified, seq }, replies: [] };
  }
  const kept = { id, author: post.essay.author, doc: bare(post), modified, seq };
  return { post: kept, replies: isNew ? repliesOf(post) : [] };
};

/** What is deleted is not looked at. */
const whyTooLargeWith = ({ post, otherBytes }: TurnView, { post: written, replies }: ChannelWrite) => {
  const kept = written?.doc ?? (post && post !== 'deleted' ? bare(post) : null);
  const docs = [kept, ...replies.map(({ doc }) => doc)];
  return docs.includes(null) ? undefined : whyThreadTooLarge(docs, otherBytes);
};

/** A hook may give a new post replies from the beginning. */
const repliesOf = ({ seal }: VPost): ChannelWrite['replies'] =>
  Object.entries(seal.replies).map(([id, reply]) => ({
    ...{ post: seal.id, id: digits(id), doc: reply, modified: null },
    author: reply?.author ?? '',
  }));
