// The commits of turns. Turns that end while one commit is under way are committed together by the
// next, in the order in which they ended. A turn may have run on states that the turn before it has
// left and not committed yet; thanks to this order it is never committed without that turn.
import { createBatch } from '../../database/batch.ts';
import type { Database, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { type PostWrite, storePosts } from '../channels/post-store.ts';
import type { Event } from '../types/event.ts';
import type { EndedEffect, HooksWrite, TurnHooks } from './turn-hooks.ts';

/** What a turn changes in its channel. */
export type ChannelWrite = PostWrite & {
  /** Of the channel, as the turn read it. */
  readonly version: number;
  readonly flag: string;
  /** Of its group, as the turn read it; null: it was gone. */
  readonly groupVersion: number | null;
  /** How many posts more there are; 1: a new one, with the next number. */
  readonly more: number;
  /** Who has read everything, since they wrote the newest. */
  readonly reader?: { readonly ship: string; readonly until: string };
  readonly happened: Happened;
};

/** What happened in a channel, as it was committed. */
export type Happened = {
  readonly nest: string;
  readonly flag: string;
  readonly event: Event;
  readonly actor: string;
  /** ms since the epoch. */
  readonly now: number;
};

/** Tells others, in the transaction of the turns. */
export type PublishEvents = (tx: Transaction, happened: readonly Happened[]) => Promise<void>;

export type TurnWrite = {
  /** undefined: nothing changes in any channel. */
  readonly channel?: ChannelWrite | undefined;
  readonly hooks?: HooksWrite | undefined;
  /** The effect that this is, which is done with the commit. */
  readonly effect?: EndedEffect | undefined;
};

/**
 * What became of a turn. `again`: nothing was written, because something that the turn read has
 * changed since, or because a turn that was to be committed with it could not be: it has to run
 * again. `done before`: nothing was written, because the turn is an effect that another process has
 * done already.
 */
export type Committed = 'committed' | 'again' | 'done before';

export type CommitTurns = {
  /** Together with others. What a turn has read of another must have been handed in before it. */
  readonly commit: (write: TurnWrite) => Promise<Committed>;
  /** In a transaction of the caller's. Throws NotCommitted, and the transaction is to be undone. */
  readonly commitIn: (tx: Transaction, write: TurnWrite) => Promise<void>;
  /** Resolves when everything that was handed in is committed, or is not. */
  readonly whenIdle: () => Promise<unknown>;
};

/** One answer for each of the turns that were to be committed together. */
export class NotCommitted extends Error {
  override readonly name = 'NotCommitted';
  readonly answers: readonly Committed[];

  constructor(answers: readonly Committed[]) {
    super('not all turns can be committed');
    this.answers = answers;
  }
}

export type CommitTurnsSettings = {
  readonly database: Database;
  readonly hooks: TurnHooks | undefined;
  readonly publish: PublishEvents;
};

const MOST_AT_ONCE = 100;

// In the order of their names, so that commits of several processes do not wait for each other in a
// circle.
const lockChannels = statement<{ nest: string; version: number; group_version: number | null }>(
  'turns.lock-channels',
  `select c.nest, c.version, g.version as group_version
   from channels c left join groups g on g.flag = c.flag
   where c.nest = any($1::text[]) order by c.nest for update of c`,
);
// Whoever writes a new post has read everything.
const raiseChannels = statement(
  'turns.raise-channels',
  `with given as (
     select * from unnest($1::text[], $2::int[], $3::text[], $4::numeric[]) as given (nest, more, reader, until)),
   readers as (
     update channel_members m set read_at = given.until from given
     where given.reader is not null and m.nest = given.nest and m.ship = given.reader)
   update channels c set version = c.version + 1, posts = c.posts + given.more,
     newest_seq = c.newest_seq + greatest(given.more, 0)
   from given where c.nest = given.nest`,
);

export const createCommitTurns = ({ database, hooks, publish }: CommitTurnsSettings): CommitTurns => {
  /** Locks what the turns change, and answers for each whether it may. */
  const standing = async (tx: Transaction, writes: readonly TurnWrite[]): Promise<Committed[]> => {
    const effects = writes.flatMap(({ effect }) => effect ?? []);
    const hooked = writes.flatMap((write) => write.hooks ?? []);
    const [ended, fresh, stand] = await Promise.all([
      effects.length === 0 ? undefined : hooks?.endEffects(tx, effects),
      freshChannels(tx, writes),
      hooked.length === 0 ? undefined : hooks?.stand(tx, hooked),
    ]);
    const standOf = new Map(hooked.map((write, index) => [write, stand?.[index]]));
    return writes.map(({ channel, effect, hooks: write }): Committed => {
      if (effect !== undefined && !ended?.has(effect.id)) return 'done before';
      const isFresh = channel === undefined || fresh(channel);
      return isFresh && (write === undefined || standOf.get(write)) ? 'committed' : 'again';
    });
  };

  const storeChannels = async (tx: Transaction, channels: readonly ChannelWrite[]): Promise<void> => {
    if (channels.length === 0) return;
    const raised = tx.query(raiseChannels, [
      channels.map(({ nest }) => nest),
      channels.map(({ more }) => more),
      channels.map(({ reader }) => reader?.ship ?? null),
      channels.map(({ reader }) => reader?.until ?? null),
    ]);
    const happened = channels.map((channel) => channel.happened);
    await Promise.all([raised, storePosts(tx, channels), publish(tx, happened)]);
  };

  /**
   * All of them, or none and an error: an effect that is ended must not be ended alone, so a turn
   * that has to begin again undoes the whole transaction. Statements that need nothing of each
   * other are sent together.
   */
  const writeAll = async (tx: Transaction, writes: readonly TurnWrite[]): Promise<void> => {
    const answers = await standing(tx, writes);
    if (answers.some((answer) => answer !== 'committed')) throw new NotCommitted(answers);
    const channels = writes.flatMap(({ channel }) => channel ?? []);
    const hooked = writes.flatMap((write) => write.hooks ?? []);
    await Promise.all([storeChannels(tx, channels), hooked.length === 0 ? undefined : hooks?.store(tx, hooked)]);
  };

  const run = async (writes: readonly TurnWrite[]): Promise<readonly Committed[]> => {
    try {
      await database.transaction((tx) => writeAll(tx, writes));
    } catch (error) {
      hooks?.forget();
      if (!(error instanceof NotCommitted)) throw error;
      // Those that would have stood begin again too: they may have read what the others wrote.
      return error.answers.map((answer) => (answer === 'committed' ? 'again' : answer));
    }
    for (const write of writes) write.hooks?.afterCommit();
    return writes.map(() => 'committed');
  };

  const committing = new Set<Promise<unknown>>();
  const batch = createBatch<TurnWrite, Committed>({ run, maxItems: MOST_AT_ONCE, concurrency: 1 });
  return {
    commit: (write) => {
      const committed = batch(write).finally(() => committing.delete(committed));
      committing.add(committed);
      return committed;
    },
    commitIn: async (tx, write) => {
      await writeAll(tx, [write]);
    },
    whenIdle: () => Promise.allSettled(committing),
  };
};

const freshChannels = async (
  tx: Transaction,
  writes: readonly TurnWrite[],
): Promise<(channel: ChannelWrite) => boolean> => {
  const nests = writes.flatMap(({ channel }) => channel?.nest ?? []);
  if (nests.length === 0) return () => false;
  const found = new Map((await tx.query(lockChannels, [nests])).map((row) => [row.nest, row]));
  return ({ nest, version, groupVersion }) => {
    const row = found.get(nest);
    return row?.version === version && row.group_version === groupVersion;
  };
};
