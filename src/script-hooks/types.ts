// What a script hook is called with, and what comes of it.
import type { Effect } from '../community/types/effect.ts';
import type { Event } from '../community/types/event.ts';
import type { Group } from '../community/types/group.ts';
import type { VPost } from '../community/types/posts.ts';
import type { FailureKind, Thrown } from './engine/worker-protocol.ts';

export type { FailureKind, Thrown } from './engine/worker-protocol.ts';
export type { StackFrame } from './source-place.ts';

/** Given at once, or by a function that is called only if the script asks. */
export type Lazily<T> = T | (() => T | Promise<T>);

/** Posts that are fetched page by page: for a channel with more of them than one wants to hold. */
export type PostPages = {
  readonly length: number;
  /**
   * Posts `start` (included) to `end` (not), oldest first. It may give fewer, at least one: the
   * first of them, or, with `from` as `end`, the last.
   */
  readonly page: (start: number, end: number, from: 'start' | 'end') => readonly VPost[] | Promise<readonly VPost[]>;
};

/** The surroundings of a run. */
export type Bowl = {
  /** The host's ship. */
  readonly our: string;
  /** Who caused the event; the host itself for cron and wake. */
  readonly src: string;
  /** When it happened, in milliseconds since 1970: the script's clock stands there. */
  readonly now: number;
  /** The hook's state: any JSON value, null before the first run. */
  readonly state: unknown;
  /** The same as JSON, if the caller has it: a large state need not be written out then. */
  readonly stateJson?: string | (() => string);
  /** The hook's settings for this channel. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly hook: { readonly id: string; readonly name: string };
  /**
   * The channel, with its posts oldest first, deleted ones left out; null for a run that has none.
   */
  readonly channel: { readonly nest: string; readonly posts: Lazily<readonly VPost[] | PostPages> } | null;
  readonly group:
    | ({ readonly flag: string } & Group)
    | { readonly flag: string; readonly fleet: Lazily<Group['fleet']> }
    | null;
};

export type RunRequest = {
  readonly event: Event;
  readonly bowl: Bowl;
  /** Where randomness comes from; the same seed gives the same run. Left out: a new one. */
  readonly seed?: string;
  /** Milliseconds that this run may take, instead of the limits' figure for its kind of event. */
  readonly deadlineMs?: number;
  /**
   * For a host of many runs: ids of messages that the library makes have the seed in them, and so
   * differ from those of other runs at the same moment.
   */
  readonly hasOwnIds?: boolean;
  /** For trying a script: an allowed outcome has the whole event as the script returned it. */
  readonly withReturned?: boolean;
};

/**
 * What does not count of what a script returned or did, and why. The pointer leads into what it
 * returned: `/effects/0/dm/ship`; or to `/state`, `/prints`, `/promises`.
 */
export type Dropped = { readonly pointer: string; readonly reason: string };

type Always = {
  readonly effects: readonly Effect[];
  /** The state after the run; the very value that was given if the script did not set it. */
  readonly state: unknown;
  /**
   * The new state as JSON, as the script gave it; undefined if the script did not set it. `state`
   * is parsed from it when it is looked at. Parse it yourself only with care: it may have keys
   * named __proto__, which `state` never has.
   */
  readonly stateJson: string | undefined;
  readonly prints: readonly string[];
  readonly dropped: readonly Dropped[];
  readonly seed: string;
  readonly durationMs: number;
};

/**
 * What became of a run.
 * - `allowed`: `event` is the event, changed where the script changed what it may; the same object
 * if nothing changed.
 * - `denied`: `reason` is what the script said, or null.
 * - `failed`: no effects, and the state as it was. `line` and `column` of the source begin with 1.
 * `stack` has the calls that were under way, the innermost first; `causes` the same for the causes
 * of the error.
 */
export type Outcome =
  | (Always & {
      readonly outcome: 'allowed';
      readonly event: Event;
      /** The event as the script returned it, with changes that do not count. */
      readonly returned?: unknown;
    })
  | (Always & { readonly outcome: 'denied'; readonly reason: string | null })
  | (Always & {
      readonly outcome: 'failed';
      readonly kind: FailureKind;
      readonly message: string;
      readonly line?: number;
      readonly column?: number;
      readonly stack: Thrown['stack'];
      readonly causes: readonly Thrown[];
    });
