// A source goes in, a hook comes out that can be called.
import { newSlugId } from '../core/ids.ts';
import { checkAnswer } from './check-answer.ts';
import { checkRequest, wrong } from './check-request.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import type { Failure, GivenEvent, Program, Question, RunReport, SaidWhileLoading } from './engine/worker-protocol.ts';
import { ScriptHookError } from './errors.ts';
import { unwrapHoon } from './hoon-source.ts';
import { createHostAnswers } from './host-answers.ts';
import type { Limits } from './limits.ts';
import { eventKindName, type SplitEvent, splitEvent } from './sandbox/lazy-event.ts';
import { createSandbox, type Ended, type Sandbox, type Script, type ScriptRun } from './sandbox/sandbox.ts';
import type { Bowl, Outcome, RunRequest } from './types.ts';

export type BuildOptions = {
  /**
   * The threads that it runs on. Left out: threads of this process that hooks without a sandbox
   * share.
   */
  readonly sandbox?: Sandbox;
};

/**
 * A compiled script. Disposing it frees what the threads hold of it; runs that are under way
 * finish.
 */
export type ScriptHook = AsyncDisposable & {
  /**
   * Runs the hook once, from a fresh state of memory. Never rejects for what the script does: see
   * Outcome. Rejects with HW_SCRIPT_NO_EVENT for what is no event, HW_SCRIPT_REQUEST for a bowl
   * that cannot be, and HW_SCRIPT_CLOSED when the hook was disposed.
   */
  readonly run: (request: RunRequest) => Promise<Outcome>;
  /**
   * Why it does not run any more, or null. A hook that had to be stopped from outside again and
   * again is disabled.
   */
  readonly disabled: () => string | null;
  /** Lets a disabled hook run again. */
  readonly enable: () => void;
};

/** As a host of many hooks has it. */
export type BuiltHook = ScriptHook & {
  /**
   * CPU time that a run is expected to take, in milliseconds: that of the last one. Infinity: not
   * known, or it waits for the host meanwhile.
   */
  readonly expectedMs: () => number;
  /** Answers the outcome when nothing has to run for it. */
  readonly begin: (request: RunRequest, pieces: SplitEvent, passesWhenFailed: boolean) => BegunRun | Outcome;
};

export type BegunRun = {
  readonly run: ScriptRun;
  readonly end: (report: RunReport | Ended) => Outcome;
};

export type RequestOfHook = {
  readonly hook: BuiltHook;
  readonly request: RunRequest;
  /** Whether those after it run when it fails. */
  readonly passesWhenFailed: boolean;
};

/**
 * Runs hooks in one message to a thread: for each event those that see it, in this order. Answers
 * the outcomes of those that ran, at least of the first: the others wait for what an event has
 * become. None at all: the thread ended with what they came to, and each should run alone.
 */
export const runTogether = async (
  sandbox: Sandbox,
  events: readonly (readonly RequestOfHook[])[],
): Promise<readonly (readonly Outcome[])[]> => {
  const begun: { readonly event: GivenEvent; readonly runs: BegunRun[] }[] = [];
  beginning: for (const requests of events) {
    const [first] = requests;
    if (first === undefined) break;
    const pieces = apart(first.request);
    const runs: BegunRun[] = [];
    for (const { hook, request, passesWhenFailed } of requests) {
      const one = hook.begin(request, pieces, passesWhenFailed);
      if ('run' in one) {
        if (runs.push(one) === 1) begun.push({ event: pieces.given, runs });
      } else if (begun.length === 0) return [[one]];
      else break beginning;
    }
  }
  const given = begun.map(({ event, runs }) => ({ event, runs: runs.map(({ run }) => run) }));
  const result = await sandbox.run(given);
  if (result.kind === 'ran') {
    return result.reports.map((reports, event) =>
      reports.flatMap((report, index) => begun[event]?.runs[index]?.end(report) ?? []),
    );
  }
  const runs = begun.flatMap((event) => event.runs);
  return runs.length === 1 ? [runs.map(({ end }) => end(result))] : [];
};

/**
 * Compiles a script and loads it: its top level runs once, for all runs. JavaScript as a classic
 * script, or a .hoon file around one.
 *
 * Rejects with HW_SCRIPT_SYNTAX (with line and column), HW_SCRIPT_HOON, HW_SCRIPT_TOO_LARGE,
 * HW_SCRIPT_COMPILE_TIME. A top level that fails is an outcome of every run.
 *
 * @example
 * await using hook = await buildHook('module.exports = (event) => ({event: {allowed: event},
 * effects: []})');
 * const outcome = await hook.run({ event, bowl });
 */
export const buildHook = (source: string, options: BuildOptions = {}): Promise<ScriptHook> =>
  buildHostedHook(source, options);

/** As `buildHook`. */
export const buildHostedHook = async (source: string, options: BuildOptions): Promise<BuiltHook> => {
  const sandbox = options.sandbox ?? borrowSharedSandbox();
  const giveBack = options.sandbox === undefined ? returnSharedSandbox : async () => {};
  try {
    const { program, failed } = await load(sandbox, await compileScript(sandbox, source));
    return hookOf(sandbox, sandbox.addScript(program), failed, giveBack);
  } catch (error) {
    await giveBack();
    throw error;
  }
};

/** The program of a source. Rejects as buildHook does. */
export const compileScript = async (sandbox: Sandbox, text: string): Promise<Uint8Array> => {
  const size = Buffer.byteLength(text);
  const most = sandbox.limits.source;
  if (size > most) throw new ScriptHookError('HW_SCRIPT_TOO_LARGE', `The source is ${size} bytes; ${most} are allowed`);
  const result = await sandbox.compile(unwrapHoon(text));
  if (result.kind === 'compiled') return result.bytecode;
  if (result.kind === 'invalid') throw new ScriptHookError('HW_SCRIPT_SYNTAX', result.message, result);
  throw new ScriptHookError('HW_SCRIPT_COMPILE_TIME', `The source could not be compiled: ${result.why}`);
};

/** Why a script cannot be loaded: what each of its runs comes to. */
type FailedLoad = { readonly failure: Failure; readonly said: SaidWhileLoading };

const load = async (
  sandbox: Sandbox,
  bytecode: Uint8Array,
): Promise<{ readonly program: Program; readonly failed: FailedLoad | undefined }> => {
  const result = await sandbox.load(bytecode);
  if (result.kind === 'loaded')
    return { program: { bytecode, loaded: result.program, differs: false }, failed: undefined };
  const program = { bytecode, loaded: undefined, differs: result.kind === 'eachRun' && result.differs };
  if (result.kind === 'eachRun') return { program, failed: undefined };
  if (result.kind === 'loadFailed') return { program, failed: result };
  const message = `the script was stopped from outside while it was loaded: ${result.why}`;
  const failure: Failure = { kind: 'failed', failure: 'terminated', message, stack: [], causes: [] };
  return { program, failed: { failure, said: { prints: [], printsDropped: 0, dropped: [], calls: 0 } } };
};

const hookOf = (
  sandbox: Sandbox,
  script: Script,
  failed: FailedLoad | undefined,
  giveBack: () => Promise<void>,
): BuiltHook => {
  const strikes = createCircuitBreaker(sandbox.limits);
  /** What it asked for in its last run comes along with the next one. */
  let expected: ReadonlySet<Question> = new Set();
  let expectedMs = Number.POSITIVE_INFINITY;
  let isClosed = false;

  const begin: BuiltHook['begin'] = (request, pieces, passesWhenFailed) => {
    if (isClosed) throw new ScriptHookError('HW_SCRIPT_CLOSED', 'The hook has been disposed');
    const { bowl, now } = checkRequest(request);
    const seed = request.seed ?? newSlugId();
    const context = { pieces, state: bowl.state, seed };
    if (failed !== undefined) return checkAnswer(reportOf(failed), context);
    const reason = strikes.disabled();
    if (reason !== null) return notRun(bowl, seed, reason, 0);
    const answers = createHostAnswers(bowl);
    const deadlineMs = request.deadlineMs ?? deadlineFor(request, sandbox.limits);
    const hasOwnIds = request.hasOwnIds === true;
    const texts = written(bowl, now, () => answers.known(expected));
    const end = (report: RunReport | Ended): Outcome => {
      expectedMs = Number.POSITIVE_INFINITY;
      if ('why' in report) {
        strikes.count('terminated');
        return notRun(bowl, seed, `the script was stopped from outside: ${report.why}`, deadlineMs);
      }
      expected = new Set(report.asked);
      // It may have come from a run before it, and not from here: it was read all the same.
      if (expected.has('state') && typeof bowl.stateJson === 'function') bowl.stateJson();
      if (!expected.has('posts') && !expected.has('postCount')) expectedMs = report.cpuMs;
      const outcome = checkAnswer(report, context);
      strikes.count(outcome.outcome === 'failed' ? outcome.kind : 'fine');
      return outcome;
    };
    const input = { now, seed, hasOwnIds, deadlineMs, owner: bowl.hook.id, passesWhenFailed, ...texts };
    return { run: { script, input, answer: answers.answer }, end };
  };

  const hook: BuiltHook = {
    run: async (request) => {
      const [outcomes] = await runTogether(sandbox, [[{ hook, request, passesWhenFailed: true }]]);
      return outcomes?.[0] as Outcome;
    },
    begin,
    expectedMs: () => (isClosed || strikes.disabled() !== null ? Number.POSITIVE_INFINITY : expectedMs),
    disabled: strikes.disabled,
    enable: strikes.reset,
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return;
      isClosed = true;
      sandbox.forgetScript(script);
      await giveBack();
    },
  };
  return hook;
};

const apart = ({ event, withReturned }: RunRequest): SplitEvent => {
  try {
    return splitEvent(event, withReturned === true);
  } catch (error) {
    throw new ScriptHookError('HW_SCRIPT_NO_EVENT', error instanceof Error ? error.message : 'this is no event');
  }
};

const deadlineFor = ({ event }: RunRequest, limits: Limits): number =>
  eventKindName(event)?.startsWith('on-') ? limits.eventDeadlineMs : limits.timerDeadlineMs;

/** What goes to the script as JSON. */
const written = <T>(bowl: Bowl, now: number, known: () => T): { readonly bowl: string; readonly known: T } => {
  try {
    return { bowl: bowlText(bowl, now), known: known() };
  } catch (error) {
    throw wrong('bowl', `cannot be written as JSON: ${error instanceof Error ? error.message : 'it has no JSON'}`);
  }
};

/** The report of a run that was not needed: loading said already what it comes to. */
const reportOf = ({ failure, said }: FailedLoad): RunReport => ({
  verdict: failure,
  effects: [],
  state: undefined,
  returned: undefined,
  durationMs: 0,
  cpuMs: 0,
  asked: [],
  retired: false,
  prints: said.prints,
  printsDropped: said.printsDropped,
  dropped: said.dropped,
});

/** What `require("tlon_hooks").bowl` shows. */
const bowlText = ({ our, src, config, hook, channel, group }: Bowl, now: number): string =>
  JSON.stringify({ nest: channel?.nest ?? null, group: group?.flag ?? null, our, src, now, config, hook });

const notRun = (bowl: Bowl, seed: string, message: string, durationMs: number): Outcome => ({
  outcome: 'failed',
  kind: 'terminated',
  message,
  effects: [],
  state: bowl.state,
  stateJson: undefined,
  prints: [],
  dropped: [],
  seed,
  durationMs,
  stack: [],
  causes: [],
});

let shared: { readonly sandbox: Sandbox; users: number } | undefined;

const borrowSharedSandbox = (): Sandbox => {
  shared ??= { sandbox: createSandbox(), users: 0 };
  shared.users++;
  return shared.sandbox;
};

const returnSharedSandbox = async (): Promise<void> => {
  if (shared === undefined || --shared.users > 0) return;
  const { sandbox } = shared;
  shared = undefined;
  await sandbox[Symbol.asyncDispose]();
};
