// What the methods of the script-hooks API do. Who may call them, and with what, is in
// declaration.ts.
import { toIso } from '../../core/clock.ts';
import type { Base } from '../../database/base.ts';
import { ApiError } from '../../http/api-error.ts';
import { type ApiRequest, type ApiService, implementApi } from '../../http/api-method.ts';
import { timeIn } from '../../http/request-checks.ts';
import { ScriptHookError } from '../errors.ts';
import type { Refused } from '../library/actions.ts';
import type { HookRecord } from '../library/dump.ts';
import type { ScriptLibrary } from '../library/library.ts';
import { repeatRun } from '../library/repeat-run.ts';
import { outcomeOf, type RunOutcome, reasonOf } from '../library/run-rows.ts';
import { type RunEntry, type RunsPage, readFollowing, readRun, readRuns } from '../library/runs.ts';
import { searchRuns } from '../library/search-runs.ts';
import type { HookSummary, OnError } from '../library/store.ts';
import { tryScript } from '../library/try-script.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { SCRIPT_HOOKS_API } from './declaration.ts';

export type ScriptHooksApiSettings = Pick<Base, 'database' | 'clock'> & {
  readonly library: ScriptLibrary;
  readonly sandbox: Sandbox;
  /** The host's ship, as which callers act. */
  readonly our: string;
  /** Aborts when the server ends. */
  readonly ending: AbortSignal;
};

type Payload = Record<string, unknown>;

const LONGEST_LIST = 200;
const LONGEST_RUNS = 100;
/** Each holds a thread for seconds. */
const MOST_TRIALS = 2;

export const createScriptHooksApi = (settings: ScriptHooksApiSettings): ApiService => {
  const { library, database, clock, our, ending } = settings;
  const acting = () => ({ actor: our, now: clock.now() });
  let trials = 0;

  /** At most MOST_TRIALS at once: each holds a thread. */
  const withTrialSlot = async <T>(work: () => Promise<T>): Promise<T> => {
    if (trials >= MOST_TRIALS) {
      throw new ApiError('TooManyRequests', `${MOST_TRIALS} scripts are tried already; try again in some seconds.`);
    }
    trials += 1;
    try {
      return await work();
    } catch (error) {
      throw error instanceof ScriptHookError ? apiErrorOf(error) : error;
    } finally {
      trials -= 1;
    }
  };

  return implementApi(SCRIPT_HOOKS_API, {
    act: async ({ payload, log, caller: { clientId } }: ApiRequest<Payload>) => {
      const result = await library.act(payload, acting());
      if (result.kind === 'refused') throw refusal(result);
      log.info({ clientId, action: Object.keys(payload)[0] }, 'script hooks changed');
      return { body: result.response };
    },
    listScripts: async ({ query }) => {
      const limit = limitIn(query, LONGEST_LIST);
      const scripts = await library.list(query.continuationToken, limit);
      const last = scripts.length === limit ? scripts.at(-1) : undefined;
      return { body: { scripts: scripts.map(listed), ...(last && { continuationToken: last.id }) } };
    },
    script: async ({ params }) => ({ body: shown(await library.hookOf(params.scriptId ?? '')) }),
    changeScript: async ({ params, payload, log, caller: { clientId } }: ApiRequest<Payload>) => {
      const { scriptId = '' } = params;
      const { isEnabled, onError, reason = `disabled by ${clientId}` } = payload;
      let hook = await library.hookOf(scriptId);
      if (typeof onError === 'string') hook = await library.setOnError(scriptId, onError as OnError);
      if (isEnabled === true) hook = await library.enable(scriptId);
      if (isEnabled === false) hook = await library.disable(scriptId, String(reason));
      log.info({ clientId, hook: hook?.id, isEnabled, onError }, 'script hook changed');
      return { body: shown(hook) };
    },
    exportTemplate: async ({ params }) => ({ body: await library.template(params.nest ?? '') }),
    setUpTemplate: async ({ params, payload, log, caller: { clientId } }: ApiRequest<Payload>) => {
      const { nest = '' } = params;
      const result = await library.setUp(payload, nest, acting());
      if (result.kind === 'refused') throw refusal(result);
      log.info({ clientId, nest }, 'script hooks set up from a template');
      return { body: { ids: result.ids, responses: result.responses } };
    },
    preview: async ({ params }) => ({ body: { scripts: await library.preview(params.nest ?? '') } }),
    listRuns: async ({ query: { hook, origin, continuationToken, ...query } }) => {
      const before = continuationToken === undefined ? undefined : Number(continuationToken);
      return { body: page(await readRuns(database, { hook, origin, limit: limitIn(query, LONGEST_RUNS) }, before)) };
    },
    searchRuns: async ({ query: { since, until, outcome, continuationToken, limit, ...rest } }) => {
      const asked = {
        ...{ ...rest, limit: limitIn(limit === undefined ? {} : { limit }, LONGEST_RUNS) },
        ...{ since: timeIn('since', since), until: timeIn('until', until) },
        outcomes: outcome?.split(',') as RunOutcome[] | undefined,
      };
      const before = continuationToken === undefined ? undefined : Number(continuationToken);
      const { lookedUntil, ...found } = await searchRuns(database, clock, asked, before);
      return { body: { ...page(found), ...(lookedUntil !== undefined && { lookedUntil: toIso(lookedUntil) }) } };
    },
    followRuns: async ({ query: { hook, origin, after = '0', seen = '', ...query } }) => {
      const asked = { hook, origin, limit: limitIn(query, LONGEST_RUNS), after: Number(after) };
      return {
        body: page(await readFollowing(database, { ...asked, seen: seen.split(',').filter(Boolean).map(Number) })),
      };
    },
    run: async ({ params }) => {
      const run = await readRun(database, Number(params.runId));
      if (run === undefined) throw noSuchRun();
      return { body: { ...told(run), event: run.event } };
    },
    replayRun: ({ params }) =>
      withTrialSlot(async () => {
        const repeated = await repeatRun(settings, Number(params.runId));
        if (repeated === undefined) throw noSuchRun();
        if (repeated.kind === 'impossible') {
          throw new ApiError('RequestConflict', `The run cannot be repeated: ${repeated.reason}.`);
        }
        const { differs, outcome, run } = repeated;
        const { effects, prints } = outcome;
        const isChanged = outcome.outcome === 'allowed' && outcome.event !== run.event;
        return {
          body: {
            ...{ isSame: differs.length === 0, differs, outcome: outcomeOf(outcome), reason: reasonOf(outcome) },
            ...{ effects, prints, ...(isChanged && { changedEvent: outcome.event }) },
          },
        };
      }),
    tryScript: ({ payload, gone }: ApiRequest<Payload>) =>
      withTrialSlot(async () => {
        const {
          src,
          nest,
          last,
          config = {},
        } = payload as {
          readonly src: string;
          readonly nest: string;
          readonly last: number;
          readonly config?: Payload;
        };
        const result = await tryScript(settings, { src, nest, last, config }, AbortSignal.any([gone, ending]));
        if (result.kind === 'refused') throw refusal(result);
        const { from, events, state, endedEarly } = result;
        return {
          body: { from, events: events.map(({ at, ...one }) => ({ time: toIso(at), ...one })), state, endedEarly },
        };
      }),
  });
};

/** Says that the script is wrong, or that the server had no time for it. */
const apiErrorOf = (error: ScriptHookError): ApiError => {
  const isOurs = error.code === 'HW_SCRIPT_COMPILE_TIME' || error.code === 'HW_SCRIPT_CLOSED';
  if (isOurs) return new ApiError('ServiceUnavailable', `${error.message}; try again.`);
  return new ApiError('InputError', wordsOf(error));
};

const refusal = ({ reason, isMissing }: Refused): ApiError =>
  new ApiError(isMissing ? 'ResourceNotFound' : 'InputError', `${reason}.`);

const noSuchRun = () => new ApiError('ResourceNotFound', 'No such run');

const wordsOf = ({ message, line, column }: ScriptHookError): string =>
  line === undefined ? `${message}.` : `${message} (line ${line}, column ${column}).`;

const limitIn = ({ limit }: { readonly limit?: string }, most: number): number =>
  Math.min(limit === undefined ? most : Number(limit), most);

const listed = ({ created, ...hook }: HookSummary) => ({ ...hook, created: toIso(created) });

const shown = (hook: HookRecord | undefined) => {
  if (hook === undefined) throw new ApiError('ResourceNotFound', 'No such script hook');
  return listed(hook);
};

const told = ({ at, result, ...run }: RunEntry) => {
  const { effects, prints, dropped, failure, event } = result;
  const { id, hook, name, hookVersion, origin, src, depth, eventKind, outcome, reason } = run;
  return {
    ...{ id, time: toIso(at), hook, name, hookVersion, origin, src, depth, eventKind, outcome, reason },
    ...{ effects, failedEffects: run.failedEffects, prints, dropped },
    ...(failure !== undefined && { failure }),
    ...(event !== undefined && { changedEvent: event }),
    ...{ durationMs: run.durationMs, seed: run.seed, isRepeatable: run.isRepeatable },
  };
};

const page = ({ runs, ...rest }: RunsPage) => ({ runs: runs.map(told), ...rest });
