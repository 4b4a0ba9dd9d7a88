// What became of messages, of many hooks in one transaction: their deliveries end, and their fires
// begin.
import type { Broker } from '../../broker/broker.ts';
import type { Log } from '../../core/log.ts';
import { createBatch } from '../../database/batch.ts';
import type { Database, Transaction } from '../../database/database.ts';
import type { CompiledHook } from '../evaluation/evaluator.ts';
import type { BeginFires } from '../firing/begin-fires.ts';
import type { AfterCommit } from '../firing/end-fires.ts';
import { type EndedFire, isEnded, isRendered, type NewFire } from '../firing/fire.ts';
import { findUnchanged } from '../hooks/hook-store.ts';
import type { EvaluatedMessage } from './evaluate-message.ts';
import type { Rejections } from './rejections.ts';

/** Messages of one hook, in order, as they were evaluated at this revision of it. */
export type MessageGroup = {
  readonly hook: CompiledHook;
  readonly messages: readonly EvaluatedMessage[];
  /** Tasks are created in the same transaction, where the queue can. */
  readonly atOnce: boolean;
};

/** `stale`: the hook was changed or removed meanwhile, and nothing was done. */
export type CommitMessages = (group: MessageGroup) => Promise<'committed' | 'stale'>;

export type CommitMessagesSettings = {
  readonly database: Database;
  readonly acknowledge: Broker['acknowledge'];
  /** Of the broker. */
  readonly endings?: Broker['endings'];
  readonly beginFires: BeginFires;
  readonly rejections: Rejections;
  readonly log: Log;
};

/** Each has at most a hundred messages. */
const MOST_GROUPS = 8;

export const createCommitMessages = (settings: CommitMessagesSettings): CommitMessages => {
  const { database, acknowledge, endings, beginFires, rejections, log } = settings;
  const beginWithEndings = endings && beginFires.wholeWith?.(endings.piece);

  /** Rejected ones beyond the first few of a minute are only counted. */
  const countRejected = async (tx: Transaction, fires: readonly NewFire[]): Promise<NewFire[]> => {
    const own = await rejections.count(tx, fires.filter(isRejected));
    return fires.map((fire) => (isRejected(fire) && !own.has(fire) ? { ...fire, hasRow: false } : fire));
  };

  const commit = async (tx: Transaction, groups: readonly MessageGroup[]): Promise<AfterCommit[]> => {
    const deliveries = groups.flatMap(({ messages }) => messages.map(({ delivery }) => delivery));
    // In one round trip, although it is then to be undone when a hook has changed, which is rare.
    const [unchanged, over] = await Promise.all([findUnchanged(tx, groups), acknowledge(tx, deliveries)]);
    if (unchanged.length < groups.length) throw new HooksChanged(unchanged);
    const afterCommits = [];
    for (const atOnce of [true, false]) {
      const fires = groups
        .filter((group) => group.atOnce === atOnce)
        .flatMap(({ messages }) => messages.filter(({ delivery }) => !over.has(delivery)).map(({ fire }) => fire));
      const counted = await countRejected(tx, fires);
      afterCommits.push(await beginFires.inTransaction(tx, counted, { atOnce, leaseOf: 'this process' }));
    }
    return afterCommits;
  };

  /** Answers those whose hook was unchanged, and what to do now that they are committed. */
  const commitUnchanged = async (groups: readonly MessageGroup[]): Promise<Committed> => {
    if (groups.length === 0) return { unchanged: [], afterCommits: [] };
    try {
      return { unchanged: groups, afterCommits: await database.transaction((tx) => commit(tx, groups)) };
    } catch (error) {
      if (error instanceof HooksChanged) return commitUnchanged(error.unchanged);
      throw error;
    }
  };

  /** All of them in one statement, which needs no more; undefined: nothing was done. */
  const commitWhole = async (groups: readonly MessageGroup[]): Promise<AfterCommit | undefined> => {
    if (!beginWithEndings || !groups.every(({ atOnce }) => atOnce)) return undefined;
    const messages = groups.flatMap(({ hook, messages }) => messages.map((message) => ({ hook, ...message })));
    const items = messages.flatMap(({ hook, fire }) => (isRendered(fire) ? [{ hook, fire }] : []));
    if (items.length < messages.length) return undefined;
    const values = endings?.values(messages.map(({ delivery }) => delivery));
    const begun = values && (await beginWithEndings(items, values));
    return begun && 'answer' in begun ? begun.answer : undefined;
  };

  return createBatch<MessageGroup, 'committed' | 'stale'>({
    maxItems: MOST_GROUPS,
    concurrency: 2,
    run: async (groups) => {
      const told = await commitWhole(groups).catch((error: unknown) => {
        log.debug({ err: error }, 'messages not committed in one statement');
        return undefined;
      });
      const { unchanged, afterCommits } = told
        ? { unchanged: groups, afterCommits: [told] }
        : await commitUnchanged(groups);
      for (const tell of afterCommits) tell();
      return groups.map((group) => (unchanged.includes(group) ? 'committed' : 'stale'));
    },
  });
};

type Committed = { readonly unchanged: readonly MessageGroup[]; readonly afterCommits: readonly AfterCommit[] };

/** Undoes the transaction in which it was seen. */
class HooksChanged extends Error {
  readonly unchanged: readonly MessageGroup[];

  constructor(unchanged: readonly MessageGroup[]) {
    super('hooks have changed');
    this.unchanged = unchanged;
  }
}

const isRejected = (fire: NewFire): fire is EndedFire => isEnded(fire) && fire.outcome === 'rejected';
