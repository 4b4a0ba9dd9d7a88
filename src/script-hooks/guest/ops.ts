// The calls between a script's side and ours: their numbers, and what both sides must agree on.

export const OPS = {
  /**
   * () → the event with its lazy parts missing, their paths, and the path of what may be changed
   */
  event: 0,
  /** (index) → the lazy part */
  part: 1,
  /** (index, value) → whether the value is still what the part was */
  isUnchanged: 13,
  state: 2,
  setState: 3,
  print: 4,
  bowl: 5,
  seed: 6,
  members: 7,
  /** (ship as JSON) → role names */
  roles: 8,
  /** (ship as JSON) → "~name" or null */
  ship: 9,
  postCount: 10,
  /** ("start end from") → posts, `end` not included */
  posts: 11,
  /** (n) → the n-th unique time of this run: {ms, dotted, plain} */
  uniqueTime: 12,
  /** (pointer), then (reason): what became of a value that JSON cannot hold */
  note: 14,
  /** (a failure, as `failed` has it) → a promise that was rejected */
  rejected: 15,
  /** What the run returned, told piece by piece: see host-calls.ts */
  denied: 20,
  allowedSame: 21,
  allowedSkeleton: 22,
  allowedPart: 23,
  allowedWhole: 24,
  effect: 25,
  dropped: 26,
  malformed: 27,
  /**
   * (JSON array) → what was thrown, then its causes: message, stack, names of its classes, for
   * each.
   */
  failed: 28,
  /** (JSON) → the whole event as the script returned it, when it was asked for */
  returned: 30,
  /** (message) → the top level ran, but exports no hook */
  noHook: 29,
} as const;

/** Which of the posts of a page are given if not all fit: those next to its start, or its end. */
export type PagesFrom = 'start' | 'end';

export type GuestSettings = {
  readonly ops: typeof OPS;
  readonly effects: number;
  readonly postsPerPage: number;
  /** How many are fetched at once, at most. */
  readonly mostPosts: number;
  /** Notes of one run about values that JSON cannot hold; more are not told. */
  readonly mostNotes: number;
  /** Deeper values are refused: they are cyclic, or meant to exhaust somebody's stack. */
  readonly deepest: number;
  readonly longestMessage: number;
};

/** What the guest is told of the event: see lazy-event.ts. */
export type EventHead = {
  readonly event: unknown;
  /** Where the lazy parts go, from the root; the order of the outermost first. */
  readonly lazy: readonly (readonly string[])[];
  /** Keys from the root to what the answer may change, and which of its keys; null: nothing. */
  readonly node: readonly string[];
  readonly keys: readonly string[] | null;
  /** Whether the whole event is told as the script returned it. */
  readonly tellsReturned: boolean;
};
