// What the methods of replays do.
import { type Clock, toIso } from '../../core/clock.ts';
import { newUuid } from '../../core/ids.ts';
import type { Database } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import type { ApiAnswer, ApiRequest } from '../../http/api-method.ts';
import { timeIn } from '../../http/request-checks.ts';
import { FIRE_OUTCOMES } from '../../ledger/entry.ts';
import { isVisible, type LedgerFilter } from '../../ledger/search/filter.ts';
import { type LedgerSearch, searchLedger } from '../../ledger/search/search-ledger.ts';
import type { HookName } from '../definition.ts';
import type { KeptEvents } from '../dry-run/kept-event.ts';
import type { ReplayJobs } from '../replay/replay-jobs.ts';
import type { ReplayOne } from '../replay/replay-one.ts';
import {
  countOutcomes,
  countUnderWay,
  findJob,
  listNotReplayed,
  type ReplayJob,
  type ReplayOf,
} from '../replay/replay-store.ts';
import type { ReplayFireRequest, ReplayFiresAnswer, ReplayFiresRequest, ReplayStatus } from '../replay/shapes.ts';
import { noSuchFire, requireVisible, visibleHooks } from './ledger/visible-hooks.ts';

export type ReplaysSettings = {
  readonly database: Database;
  readonly clock: Clock;
  readonly events: KeptEvents;
  readonly replayOne: ReplayOne;
  readonly replayJobs: ReplayJobs;
  /** Resolves when what this process knows of the fires of all hooks stands in the ledger. */
  readonly whenRecorded: () => Promise<void>;
};

type FoundEvent = ReplayOf & HookName;

/** Without those that were left out on purpose, copies of other events among them. */
const USUAL_OUTCOMES = FIRE_OUTCOMES.filter((outcome: string) => outcome !== 'skipped');
const MOST_EVENTS = 10_000;
const MOST_JOBS = 20;
const PAGE = 1_000;
/** For finding the events. */
const LONGEST_SEARCH_MS = 5_000;
/** They are looked for before it is known of which hooks they are, and whether the caller may. */
const MOST_SEARCHES = 2;
const MOST_REASONS = 20;

export const createReplayMethods = (settings: ReplaysSettings) => {
  const { database, clock, events, replayOne, replayJobs, whenRecorded } = settings;

  let searches = 0;

  const findEvents: typeof searchEvents = async (...asked) => {
    if (searches >= MOST_SEARCHES) {
      throw new ApiError('TooManyRequests', 'Others look for events to replay already; try again in a moment.');
    }
    searches += 1;
    try {
      return await searchEvents(...asked);
    } finally {
      searches -= 1;
    }
  };

  const searchEvents = async (
    filter: LedgerFilter,
    times: Pick<LedgerSearch, 'since' | 'until'>,
  ): Promise<FoundEvent[]> => {
    await whenRecorded();
    const found: FoundEvent[] = [];
    const began = clock.monotonic();
    let continuationToken: string | undefined;
    do {
      const page = await searchLedger(database, clock, { ...filter, ...times, limit: PAGE, continuationToken });
      for (const { seq, at, hookUid, hookGroupId, hookId } of page.entries) {
        found.push({ seq, at, hookUid, hookGroupId, hookId });
      }
      if (found.length > MOST_EVENTS) {
        throw new ApiError('InputError', `These are more than ${MOST_EVENTS} events. Narrow the filter, or the time.`);
      }
      if (clock.monotonic() - began > LONGEST_SEARCH_MS) {
        throw new ApiError('InputError', 'Finding these events takes too long. Name a hook, or narrow the time.');
      }
      continuationToken = page.continuationToken;
    } while (continuationToken !== undefined);
    return found;
  };

  const findJobFor = async ({ params, caller, authorize }: ApiRequest<unknown>): Promise<ReplayJob> => {
    const id = params.jobId as string;
    const job = await findJob(database, id);
    if (!job || caller.clientId === undefined || job.clientId !== caller.clientId) authorize(`hooks:replay:${id}`);
    if (!job) throw new ApiError('ResourceNotFound', 'No such replay');
    return job;
  };

  const statusOf = async (job: ReplayJob): Promise<ReplayStatus> => {
    const { id, revision, rate, total, clientId, created, ended, cancelledBy } = job;
    const [counts, notReplayed] = await Promise.all([
      countOutcomes(database, id),
      listNotReplayed(database, id, MOST_REASONS),
    ]);
    const over = counts.flatMap(({ outcome, count }) => (outcome === null ? [] : [[outcome, count] as const]));
    return {
      jobId: id,
      state: ended === null ? 'running' : cancelledBy === null ? 'done' : 'cancelled',
      ...{ as: revision, rate, total, clientId, created: toIso(created), notReplayed },
      done: over.reduce((sum, [, count]) => sum + count, 0),
      outcomes: Object.fromEntries(over),
      ...(ended !== null && { ended: toIso(ended) }),
      ...(cancelledBy !== null && { cancelledBy }),
    };
  };

  return {
    replayFire: async (request: ApiRequest<ReplayFireRequest>): Promise<ApiAnswer> => {
      await whenRecorded();
      const row = await events.find(Number(request.params.seq));
      if (!row) throw noSuchFire();
      requireReplay(request, row);
      const { caller, requestId, payload } = request;
      const by = { clientId: caller.clientId ?? 'anonymous', requestId };
      const answer = await replayOne(row, payload.as, by, payload.replayId);
      if (typeof answer === 'string') throw new ApiError('InputError', answer);
      if (!answer) throw new ApiError('ServiceUnavailable', 'Too many evaluations are waiting; try again later.');
      return { body: answer };
    },

    replayFires: async (request: ApiRequest<ReplayFiresRequest>): Promise<ApiAnswer> => {
      const { as: revision, rate, count, jobId: id = newUuid(), outcome, since, until, ...filter } = request.payload;
      const visible = requireVisible(request, filter.hook);
      const known = count === undefined ? undefined : await findJob(database, id);
      if (known) return { body: startedAgain(request, known) };
      const times = { since: timeIn('since', since), until: timeIn('until', until) };
      const found = await findEvents(
        { ...filter, visible, kinds: ['fire'], outcomes: outcome ?? USUAL_OUTCOMES },
        times,
      );
      const hooks = hooksOf(found);
      request.authorize(scopesOf(hooks));
      const answer: ReplayFiresAnswer = { jobId: id, isStarted: false, count: found.length, hooks };
      if (count === undefined) return { body: answer };
      if (count !== found.length) {
        throw new ApiError(
          'RequestConflict',
          `These are ${found.length} events by now, and not ${count}. Look at them again.`,
        );
      }
      if ((await countUnderWay(database)) >= MOST_JOBS) {
        throw new ApiError('RequestConflict', `${MOST_JOBS} replays are under way. Wait for one, or cancel it.`);
      }
      const clientId = request.caller.clientId ?? 'anonymous';
      await replayJobs.start({ id, revision, rate, clientId }, found);
      return { body: { ...answer, isStarted: true } };
    },

    replayStatus: async (request: ApiRequest): Promise<ApiAnswer> => ({
      body: await statusOf(await findJobFor(request)),
    }),

    cancelReplay: async (request: ApiRequest): Promise<ApiAnswer> => {
      const { id } = await findJobFor(request);
      await replayJobs.cancel(id, request.caller.clientId ?? 'anonymous');
      return { body: await statusOf((await findJob(database, id)) as ReplayJob) };
    },
  };
};

const scopesOf = (hooks: readonly HookName[]) => ({
  AllOf: hooks
    .map(({ hookGroupId, hookId }) => `${hookGroupId}/${hookId}`)
    .flatMap((name) => [`hooks:trigger-hook:${name}`, `hooks:get-payload:${name}`]),
});

/** Who lacks the scopes learns of the fire only when they may see it. */
const requireReplay = ({ caller, authorize }: ApiRequest<unknown>, row: HookName): void => {
  try {
    authorize(scopesOf([row]));
  } catch (error) {
    throw isVisible(visibleHooks(caller.scopes), `${row.hookGroupId}/${row.hookId}`) ? error : noSuchFire();
  }
};

const startedAgain = ({ caller }: ApiRequest<unknown>, { id, clientId, total }: ReplayJob): ReplayFiresAnswer => {
  if (clientId !== caller.clientId)
    throw new ApiError('RequestConflict', 'Another replay has this jobId. Leave it out.');
  return { jobId: id, isStarted: true, count: total, hooks: [] };
};

const hooksOf = (rows: readonly HookName[]): ReplayFiresAnswer['hooks'] => {
  const groups = Map.groupBy(rows, ({ hookGroupId, hookId }) => `${hookGroupId}/${hookId}`);
  return [...groups.values()].map((ofHook) => {
    const { hookGroupId, hookId } = ofHook[0] as HookName;
    return { hookGroupId, hookId, count: ofHook.length };
  });
};
