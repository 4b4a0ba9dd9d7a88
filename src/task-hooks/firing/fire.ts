// What a fire is at each stage: made by a cause, stored, ended; and its row of the ledger.
import type { FireOutcome, NewEntry } from '../../ledger/entry.ts';
import { type CreateTaskAnswer, type CreateTaskRequest, errorOf, type Refusal } from '../../queue/queue.ts';
import { type HookName, hookRole } from '../definition.ts';
import type { FiredBy, Unrendered } from '../evaluation/template.ts';

/** The identity of a fire. */
export type FireKey = { readonly hookUid: string; readonly cause: string };

/** What tells an event that may come again from others. */
export type KnownEvent = {
  /** A hash of who sent it, and of what they said it is, or of what they signed. */
  readonly key: Buffer;
  /** Two events with one key and different bodies are a mistake of the sender. */
  readonly bodyHash: Buffer;
  /** Until when a copy is known as one; ms. */
  readonly forget: number;
};

/** An event that one hook handles, whatever becomes of it. */
export type FireEvent = FireKey & {
  readonly hookGroupId: string;
  readonly hookId: string;
  /** Of the hook, when it met the event. */
  readonly hookRevision?: number | undefined;
  readonly firedBy: FiredBy;
  readonly clientId: string | undefined;
  readonly requestId: string;
  /** When the event came in, or was due; ms. */
  readonly arrived: number;
  /** What it came with, sealed, to be kept with the fire; once that is stored it is not here. */
  readonly payload?: Buffer | undefined;
};

type WithTask = FireEvent & {
  readonly taskId: string;
  /**
   * The hash of the payload of an event that may come again: a repeat is told from a conflict by
   * it, and finds the fire in the ledger.
   */
  readonly payloadHash: Buffer | undefined;
  /** The task's deadline in ms: no attempt begins after it. */
  readonly givesUp: number;
  readonly attempts: number;
  /** For its row of the ledger. JSON. */
  readonly detail?: object | undefined;
};

export type Fire = WithTask & {
  /** As JSON text, the same for every attempt. */
  readonly task: string;
  /** Remembered in the commit that begins the fire. */
  readonly known?: KnownEvent | undefined;
};

/** A fire whose template is rendered after it was stored. */
export type UnrenderedFire = WithTask & { readonly unrendered: Unrendered };

export type StoredFire = Fire | UnrenderedFire;

/** How a fire ended, or an event that makes no fire. */
export type Ending = {
  readonly outcome: FireOutcome;
  /** Why there is no task, for the owner of the hook. JSON. */
  readonly error: unknown;
  /** How many were made to create the task. */
  readonly attempts: number;
};

/** A fire that is over, and was never stored or is stored no more. */
export type EndedFire = FireEvent &
  Ending & {
    readonly taskId: string | null;
    /** When the outcome was known, if that was before it is recorded; ms. */
    readonly at?: number;
    readonly payloadHash?: Buffer | undefined;
    /** For its row of the ledger. JSON. */
    readonly detail?: object | undefined;
    /** For how many events it stands in the metrics; absent: one. */
    readonly events?: number;
    /** The webhook by which it came, where refusals are counted by webhook. */
    readonly countedAs?: string;
    /** Its row is in the ledger already, or will be summed up with others. */
    readonly hasRow?: false;
  };

/** What a cause makes of an event. */
export type NewFire = StoredFire | EndedFire;

export const isEnded = (fire: NewFire): fire is EndedFire => 'outcome' in fire;

export const isRendered = (fire: NewFire): fire is Fire => 'task' in fire && !isEnded(fire);

export const keyOf = ({ hookUid, cause }: FireKey): string => `${hookUid} ${cause}`;

/** What became of the attempts to create the task. */
export type AttemptsEnd =
  | { readonly outcome: 'created' }
  | { readonly outcome: 'failed'; readonly refusal: Refusal }
  | { readonly outcome: 'exhausted' };

export const endBy = (answer: CreateTaskAnswer): AttemptsEnd =>
  answer.kind === 'created' ? { outcome: 'created' } : { outcome: 'failed', refusal: answer };

export const errorBy = (answer: CreateTaskAnswer): unknown => (answer.kind === 'created' ? undefined : errorOf(answer));

export const CREATED: CreateTaskAnswer = { kind: 'created' };

/**
 * Its taskId was made by us. So a task that is there already comes from an earlier commit of which
 * we did not hear, and that commit wrote the row.
 */
export const endedBy = (fire: StoredFire, answer: CreateTaskAnswer): EndedFire => ({
  ...fire,
  attempts: 1,
  outcome: endBy(answer).outcome,
  error: errorBy(answer),
  ...(answer.kind === 'created' && answer.again && { hasRow: false }),
});

/** The same for every attempt; with the authority of the hook's role alone. */
export const taskRequestOf = (fire: Pick<Fire, 'taskId' | 'task' | keyof HookName>): CreateTaskRequest => ({
  taskId: fire.taskId,
  task: fire.task,
  authorizedScopes: [`assume:${hookRole(fire)}`],
});

/** The one place that makes a row of the ledger from a fire. */
export const ledgerEntryOf = (fire: EndedFire, now: number): NewEntry => ({
  at: fire.at ?? now,
  kind: 'fire',
  outcome: fire.outcome,
  hookUid: fire.hookUid,
  hookGroupId: fire.hookGroupId,
  hookId: fire.hookId,
  hookRevision: fire.hookRevision ?? null,
  cause: fire.cause,
  firedBy: fire.firedBy,
  taskId: fire.taskId,
  arrived: fire.arrived,
  attempts: fire.attempts,
  clientId: fire.clientId ?? null,
  requestId: fire.requestId,
  payloadHash: fire.payloadHash ?? null,
  error: fire.error ?? null,
  detail: fire.detail ?? null,
  payload: fire.payload,
});
