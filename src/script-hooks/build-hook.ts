// A source goes in, a hook comes out that can be called.
import { newSlugId } from '../core/ids.ts';
import { checkAnswer } from './check-answer.ts';
import { checkRequest, wrong } from './check-request.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import type { Failure, Program, Question, RunReport, SaidWhileLoading } from './engine/worker-protocol.ts';
import { ScriptHookError } from './errors.ts';
import { unwrapHoon } from './hoon-source.ts';
import { createHostAnswers } from './host-answers.ts';
import type { Limits } from './limits.ts';
import { eventKindName, type SplitEvent, splitEvent } from './sandbox/lazy-event.ts';
import { createSandbox, type Sandbox, type Script } from './sandbox/sandbox.ts';
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
export const buildHook = async (source: string, options: BuildOptions = {}): Promise<ScriptHook> => {
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
): ScriptHook => {
  const strikes = createCircuitBreaker(sandbox.limits);
  /** What it asked for in its last run comes along with the next one. */
  let expected: ReadonlySet<Question> = new Set();
  let isClosed = false;

  const run = async (request: RunRequest): Promise<Outcome> => {
    if (isClosed) throw new ScriptHookError('HW_SCRIPT_CLOSED', 'The hook has been disposed');
    const pieces = apart(request);
    const { bowl, now } = checkRequest(request);
    const seed = request.seed ?? newSlugId();
    const context = { pieces, state: bowl.state, seed };
    if (failed !== undefined) return checkAnswer(reportOf(failed), context);
    const reason = strikes.disabled();
    if (reason !== null) return notRun(bowl, seed, reason, 0);
    const answers = createHostAnswers(bowl);
    const deadlineMs = request.deadlineMs ?? deadlineFor(request, sandbox.limits);
    const { head, parts } = pieces;
    const hasOwnIds = request.hasOwnIds === true;
    const job = { head, parts, now, seed, hasOwnIds, deadlineMs, ...written(bowl, now, () => answers.known(expected)) };
    const report = await sandbox.run(script, job, answers.answer);
    if (report.kind === 'ended') {
      strikes.count('terminated');
      return notRun(bowl, seed, `the script was stopped from outside: ${report.why}`, deadlineMs);
    }
    expected = new Set(report.asked);
    const outcome = checkAnswer(report, context);
    strikes.count(outcome.outcome === 'failed' ? outcome.kind : 'fine');
    return outcome;
  };

  return {
    run,
    disabled: strikes.disabled,
    enable: strikes.reset,
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return;
      isClosed = true;
      sandbox.forgetScript(script);
      await giveBack();
    },
  };
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
  kind: 'run',
  verdict: failure,
  effects: [],
  state: undefined,
  returned: undefined,
  durationMs: 0,
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
