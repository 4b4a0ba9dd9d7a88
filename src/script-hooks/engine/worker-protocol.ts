// What goes to a worker and what comes back: plain data, for it crosses threads.

import type { PagesFrom } from '../guest/ops.ts';
import type { Limits } from '../limits.ts';
import type { StackFrame } from '../source-place.ts';
import type { Image } from './image.ts';

/**
 * Things that a script may ask for and most do not: fetched when they are asked for, unless they
 * were last time.
 */
export type Question = 'state' | 'fleet' | 'postCount' | 'posts';

/** A compiled script, and what loading it came to. */
export type Program = {
  readonly bytecode: Uint8Array;
  /**
   * Its memory after loading and what it said; undefined when its top level runs before each run.
   */
  readonly loaded: LoadedProgram | undefined;
  /** Whether its top level differs from run to run, and has a budget of its own in each. */
  readonly differs: boolean;
};

export type LoadedProgram = { readonly image: Image; readonly said: SaidWhileLoading };

/** What a top level printed and what it lost: part of every run. */
export type SaidWhileLoading = {
  readonly prints: readonly string[];
  readonly printsDropped: number;
  readonly dropped: readonly Remark[];
  readonly calls: number;
};

/** An event as it goes to scripts: see lazy-event.ts. */
export type GivenEvent = {
  /** EventHead as JSON, and the parts that it leaves out. */
  readonly head: string;
  readonly parts: readonly string[];
  /** The changeable part without its lazy parts, as JSON: what comes back when nothing changed. */
  readonly skeleton: string;
  /** Whether that is all of the changeable part. */
  readonly isWhole: boolean;
};

/** One script's run of an event. */
export type Run = {
  /** Which script; its program comes along only when the worker does not have it. */
  readonly hook: number;
  readonly program: Program | undefined;
  /** require("tlon_hooks").bowl as JSON */
  readonly bowl: string;
  readonly now: number;
  readonly seed: string;
  /** Whether the ids that the library makes have the seed in them. */
  readonly hasOwnIds?: boolean;
  readonly deadlineMs: number;
  /** Answers given beforehand: what this hook asked for in its last run. */
  readonly known: Readonly<Partial<Record<'state' | 'fleet', string>>>;
  /** Whose state it has: what it sets, later runs of the job for the same owner get. */
  readonly owner: string;
  /** Whether the event passes when this run fails. */
  readonly passesWhenFailed: boolean;
};

/** An event, and the scripts that see it. */
export type EventRuns = { readonly event: GivenEvent; readonly runs: readonly Run[] };

/** All are run one after the other: see run-in-order.ts. */
export type RunJob = { readonly kind: 'run'; readonly events: readonly EventRuns[] };

export type CompileJob = { readonly kind: 'compile'; readonly source: string };

/** Run a script's top level once, to have its memory. */
export type LoadJob = { readonly kind: 'load'; readonly bytecode: Uint8Array };

/** Forget a script that is no longer used. */
export type ForgetJob = { readonly kind: 'forget'; readonly hook: number };

export type FailureKind = 'load' | 'threw' | 'malformed' | 'deadline' | 'memory' | 'terminated';

/** What was thrown: its message, and the calls that were under way. */
export type Thrown = { readonly message: string; readonly stack: readonly StackFrame[] };

export type Failure = Thrown & {
  readonly kind: 'failed';
  readonly failure: FailureKind;
  /** The causes of an error, the nearest first. */
  readonly causes: readonly Thrown[];
};

export type Verdict =
  | { readonly kind: 'denied'; readonly reason: string | null }
  | { readonly kind: 'same' }
  | { readonly kind: 'whole'; readonly json: string }
  | { readonly kind: 'pieces'; readonly skeleton: string; readonly parts: readonly (readonly [number, string])[] }
  | Failure;

/** A pointer into what the script returned or set, and what is the matter there. */
export type Remark = readonly [pointer: string, reason: string];

export type RunReport = {
  readonly verdict: Verdict;
  /** One JSON text an effect. */
  readonly effects: readonly string[];
  readonly dropped: readonly Remark[];
  /** The new state as JSON, if it was set. */
  readonly state: string | undefined;
  /** The event as the script returned it, when it was asked for. */
  readonly returned: string | undefined;
  readonly prints: readonly string[];
  readonly printsDropped: number;
  readonly durationMs: number;
  /** CPU time. */
  readonly cpuMs: number;
  readonly asked: readonly Question[];
  /** Whether the engine's instance had to be replaced. */
  readonly retired: boolean;
};

/** For each event, the runs that took place: at least the first one of the first event. */
export type RunReports = { readonly kind: 'ran'; readonly reports: readonly (readonly RunReport[])[] };

export type CompileReport =
  | { readonly kind: 'compiled'; readonly bytecode: Uint8Array }
  | { readonly kind: 'invalid'; readonly message: string; readonly line: number; readonly column: number };

/**
 * What became of loading. `eachRun`: the top level is cheap, or asks for what differs from run to
 * run; it runs before each. `failed`: every run would fail in the same way.
 */
export type LoadReport =
  | { readonly kind: 'eachRun'; readonly differs: boolean }
  | { readonly kind: 'loaded'; readonly program: LoadedProgram }
  | { readonly kind: 'loadFailed'; readonly failure: Failure; readonly said: SaidWhileLoading };

/** Sent in the middle of a run; the worker stands still until it is answered. */
export type Ask = { readonly kind: 'ask'; readonly question: Question; readonly range: PostRange | undefined };

/** Posts `start` (included) to `end` (not), or those of them that fit. */
export type PostRange = { readonly start: number; readonly end: number; readonly from: PagesFrom };

/** Sent once, when the worker can take jobs. */
export type Ready = { readonly kind: 'ready'; readonly image: Image | undefined };

export type FromWorker = RunReports | CompileReport | LoadReport | Ask | Ready;
export type ToWorker = RunJob | CompileJob | LoadJob | ForgetJob;

export type WorkerSetup = {
  readonly wasm: unknown;
  readonly limits: Limits;
  /** The memory image that another worker made, if there is one. */
  readonly image: Image | undefined;
  /** Answers to `Ask` come through this port. */
  readonly answers: unknown;
  /** Int32 at the places of SHARED. */
  readonly shared: SharedArrayBuffer;
};

/** `answered`: how many answers were sent; `run`: which run of the present job is under way. */
export const SHARED = { answered: 0, run: 1, bytes: 8 } as const;

/**
 * An answer as JSON text; null: the host could not give it. `sequence` is how many were sent before
 * it.
 */
export type Answer = { readonly json: string | null; readonly sequence: number };
