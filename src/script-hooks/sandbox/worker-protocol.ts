// What goes to a worker and what comes back: plain data, for it crosses threads.

import type { Image } from '../engine/image.ts';
import type { Limits } from '../limits.ts';

/**
 * Things that a script may ask for and most do not: fetched when they are asked for, unless they
 * were last time.
 */
export type Question = 'state' | 'fleet' | 'postCount' | 'postPage';

export type RunJob = {
  readonly kind: 'run';
  /** Which compiled script; its bytecode comes along only when the worker does not have it. */
  readonly hook: number;
  readonly bytecode: Uint8Array | undefined;
  /** EventHead as JSON, and the parts that it leaves out. */
  readonly head: string;
  readonly parts: readonly string[];
  /** require("tlon_hooks").bowl as JSON */
  readonly bowl: string;
  readonly now: number;
  readonly seed: string;
  readonly deadlineMs: number;
  /** Answers given beforehand: what this hook asked for in its last run. */
  readonly known: Readonly<Partial<Record<'state' | 'fleet', string>>>;
};

export type CompileJob = { readonly kind: 'compile'; readonly source: string };

/** Forget a script that is no longer used. */
export type ForgetJob = { readonly kind: 'forget'; readonly hook: number };

export type FailureKind = 'load' | 'threw' | 'malformed' | 'deadline' | 'memory' | 'terminated';

export type Verdict =
  | { readonly kind: 'denied'; readonly reason: string | null }
  | { readonly kind: 'same' }
  | { readonly kind: 'whole'; readonly json: string }
  | { readonly kind: 'pieces'; readonly skeleton: string; readonly parts: readonly (readonly [number, string])[] }
  | {
      readonly kind: 'failed';
      readonly failure: FailureKind;
      readonly message: string;
      readonly line?: number | undefined;
      readonly column?: number | undefined;
    };

export type RunReport = {
  readonly kind: 'run';
  readonly verdict: Verdict;
  /** One JSON text an effect. */
  readonly effects: readonly string[];
  readonly dropped: readonly (readonly [pointer: string, reason: string])[];
  /** The new state as JSON, if it was set. */
  readonly state: string | undefined;
  readonly prints: readonly string[];
  readonly printsDropped: number;
  readonly durationMs: number;
  readonly asked: readonly Question[];
  /** Whether the engine's instance had to be replaced. */
  readonly retired: boolean;
};

export type CompileReport =
  | { readonly kind: 'compiled'; readonly bytecode: Uint8Array }
  | { readonly kind: 'refused'; readonly message: string; readonly line: number; readonly column: number };

/** Sent in the middle of a run; the worker stands still until it is answered. */
export type Ask = { readonly kind: 'ask'; readonly question: Question; readonly argument: number };

/** Sent once, when the worker can take jobs. */
export type Ready = { readonly kind: 'ready'; readonly image: Image | undefined };

export type FromWorker = RunReport | CompileReport | Ask | Ready;
export type ToWorker = RunJob | CompileJob | ForgetJob;

export type WorkerSetup = {
  readonly wasm: unknown;
  readonly limits: Limits;
  /** The memory image that another worker made, if there is one. */
  readonly image: Image | undefined;
  /** Answers to `Ask` come through this port; the counter is raised when one was sent. */
  readonly answers: unknown;
  readonly answered: SharedArrayBuffer;
};

/**
 * An answer as JSON text; null: the host could not give it. `sequence` is how many were sent before
 * it.
 */
export type Answer = { readonly json: string | null; readonly sequence: number };
