// What the ledger holds: one entry for everything that fired or ran, with its outcome and the
// reason.

/** What became of a fire. */
export const FIRE_OUTCOMES = [
  'created',
  'declined',
  'rejected',
  'failed',
  'exhausted',
  'missed',
  'limited',
  'skipped',
] as const;
export type FireOutcome = (typeof FIRE_OUTCOMES)[number];

/** What became of a run. */
export const RUN_OUTCOMES = ['allowed', 'denied', 'failed', 'limited', 'skipped'] as const;
export type RunOutcome = (typeof RUN_OUTCOMES)[number];

export type Outcome = FireOutcome | RunOutcome;

/**
 * `attempt`: one try of a fire that did not end it; it has no outcome yet. `binding`: a binding of
 * a hook became active or was refused, as
 * `detail` says; that is no event, and has no outcome.
 */
export const ENTRY_KINDS = ['fire', 'attempt', 'run', 'binding'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

type KindAndOutcome =
  | { readonly kind: 'fire'; readonly outcome: FireOutcome }
  | { readonly kind: 'attempt' | 'binding'; readonly outcome: null }
  | { readonly kind: 'run'; readonly outcome: RunOutcome };

/** Times are milliseconds since the epoch. */
export type LedgerEntry = KindAndOutcome & {
  /** When the outcome was known. */
  readonly at: number;
  /** The incarnation of the hook: another one made later under the same name has another. */
  readonly hookUid: string;
  readonly hookGroupId: string;
  readonly hookId: string;
  /** Of the hook, when it met the event; null: not known. */
  readonly hookRevision: number | null;
  /** With the hook, the identity of a fire. */
  readonly cause: string | null;
  readonly firedBy: string | null;
  readonly taskId: string | null;
  /** When the event came in, or was due. */
  readonly arrived: number;
  /** How many were made, this one included. */
  readonly attempts: number;
  readonly clientId: string | null;
  readonly requestId: string;
  /** The hash of a payload that came with a taskId of the caller's choice. */
  readonly payloadHash: Buffer | null;
  /** Why not, for the owner of the hook. JSON. */
  readonly error: unknown;
  /** JSON. */
  readonly detail: unknown;
};

/** An entry, and what is kept with it. */
export type NewEntry = LedgerEntry & { readonly payload?: Buffer | undefined };

/** An entry as it was written. `seq` orders entries of the same millisecond and is unique. */
export type LedgerRow = LedgerEntry & { readonly seq: number };
