// The bounds of a run: what one script may cost. Sizes in bytes unless they say otherwise, times in
// milliseconds.

export type Limits = {
  /** CPU time of a run when somebody waits for its answer: events of posts and replies. */
  readonly eventDeadlineMs: number;
  /** CPU time of a run when nobody waits: cron and wake. */
  readonly timerDeadlineMs: number;
  /** How long after its deadline a run that does not stop by itself is ended with its worker. */
  readonly graceMs: number;
  /** How long compiling may take. */
  readonly compileMs: number;
  /** How long the top level of a script may take: CPU time when the hook is built. */
  readonly loadMs: number;
  /** The memory images of all loaded scripts together; scripts beyond load in each run. */
  readonly images: number;
  readonly source: number;
  readonly bytecode: number;
  /** What a script may allocate. */
  readonly memory: number;
  /** The event that a run returns, and all its effects together. */
  readonly result: number;
  readonly state: number;
  /** The messages that a run reads, as JSON; what goes over is not read. */
  readonly posts: number;
  readonly effects: number;
  /** Calls of library functions that reach the host. */
  readonly hostCalls: number;
  /** Number of prints, and characters of each; what goes beyond is counted and dropped. */
  readonly prints: number;
  readonly printLength: number;
  /**
   * Runs ended from outside before the hook is disabled; a run that stops by itself pays one back.
   */
  readonly strikes: number;
};

/**
 * How much longer than its CPU time a run may take, on a machine that is busy. Milliseconds.
 */
export const PATIENCE_MS = 400;

const KIB = 1024;
const MIB = 1024 * KIB;

export const DEFAULT_LIMITS: Limits = {
  eventDeadlineMs: 100,
  timerDeadlineMs: 2000,
  graceMs: 100,
  compileMs: 1000,
  loadMs: 2000,
  images: 512 * MIB,
  source: MIB,
  bytecode: 8 * MIB,
  memory: 64 * MIB,
  result: MIB,
  state: MIB,
  posts: 64 * MIB,
  effects: 256,
  hostCalls: 10_000,
  prints: 200,
  printLength: 4 * KIB,
  strikes: 3,
};
