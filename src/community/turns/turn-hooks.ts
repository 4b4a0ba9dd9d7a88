// What stands between an action on a channel's posts and its commit: the port behind which script
// hooks live.
import type { Transaction } from '../../database/database.ts';
import type { PostPages } from '../channels/post-pages.ts';
import type { StoredGroup } from '../groups/group-store.ts';
import type { Event } from '../types/event.ts';

/** An event, and everything that hooks may ask about it. */
export type Turn = {
  /** undefined: it happens in no channel, as runs whose time has come may. */
  readonly nest: string | undefined;
  readonly event: Event;
  /** Who caused it. */
  readonly src: string;
  /** ms since the epoch. */
  readonly now: number;
  /** How many effects led to it; 0: a user did it. */
  readonly depth: number;
  /** How many effects may still come of it; undefined: it has begun with this event. */
  readonly effectsLeft?: number | undefined;
  /** Of the channel, before the event. */
  readonly posts: PostPages | undefined;
  readonly group: StoredGroup | undefined;
};

export type Verdict =
  /** The event as the hooks leave it. */
  | { readonly kind: 'allowed'; readonly event: Event }
  /** `reason` is for the sender; null: no hook said any. */
  | { readonly kind: 'denied'; readonly reason: string | null };

/**
 * The hooks of one channel, for one turn. Each is free for other turns as soon as `run` has run it,
 * or those that run together with it: they go on from the state that it left, before that is
 * committed. The commit checks that every state it builds on is still the one that was read.
 */
export type TurnRuns = {
  readonly run: (turn: Turn) => Promise<Verdict>;
  /** What is to be written with the turn: states, runs, effects. */
  readonly writes: () => HooksWrite;
  /**
   * The turn is over in this process. `isKept`: what its hooks wrote was handed in for commit;
   * otherwise the states that they left count no more, and are read from the database again.
   */
  readonly release: (isKept: boolean) => void;
};

/** What hooks write in the commit of a turn; only they look inside. */
export type HooksWrite = { readonly afterCommit: () => void };

export type TurnHooks = {
  /** undefined: none run on this channel. */
  readonly begin: (nest: string) => Promise<TurnRuns | undefined>;
  /**
   * As `begin`, after others came in between again and again: in `tx`, in which nobody else in any
   * process can change the states until it ends.
   */
  readonly beginLocked: (nest: string, tx: Transaction) => Promise<TurnRuns | undefined>;
  /**
   * Answers for each of these turns, in their order, whether it stands: it does not if another
   * process has changed a state that it read. Nobody changes them any more until `tx` ends.
   */
  readonly stand: (tx: Transaction, writes: readonly HooksWrite[]) => Promise<readonly boolean[]>;
  /** Writes in the transaction of turns that all stand, in their order. */
  readonly store: (tx: Transaction, writes: readonly HooksWrite[]) => Promise<void>;
  /** What turns wrote is lost: states in memory are read anew. */
  readonly forget: () => void;
  /**
   * Says in the transaction of an action that these effects are done, or refused. Answers those
   * that were there to do: another process has done the others.
   */
  readonly endEffects: (tx: Transaction, effects: readonly EndedEffect[]) => Promise<ReadonlySet<string>>;
};

/** `refusal`: why it was refused; undefined: it was not. */
export type EndedEffect = { readonly id: string; readonly refusal?: string | undefined };
