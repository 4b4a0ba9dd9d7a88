// The methods that read the ledger over all hooks: searched, followed, one fire explained.
import { holds } from '../../../auth/scopes.ts';
import { toIso } from '../../../core/clock.ts';
import type { Base } from '../../../database/base.ts';
import { ApiError } from '../../../http/api-error.ts';
import type { ApiAnswer, ApiRequest } from '../../../http/api-method.ts';
import { timeIn } from '../../../http/request-checks.ts';
import type { EntryKind, Outcome } from '../../../ledger/entry.ts';
import { isVisible, type LedgerFilter } from '../../../ledger/search/filter.ts';
import { findLedgerEntry } from '../../../ledger/search/find-fire.ts';
import { searchLedger } from '../../../ledger/search/search-ledger.ts';
import { type ExplainFireSettings, explainFire } from './explain-fire.ts';
import { fireRowOf } from './fire-row.ts';
import type { FollowFires } from './follow-fires.ts';
import { noSuchFire, requireVisible, visibleHooks } from './visible-hooks.ts';

export type LedgerMethodsSettings = ExplainFireSettings &
  Pick<Base, 'clock'> & {
    readonly followFires: FollowFires;
    /** Resolves when what this process knows of the hook, or of all, stands in the ledger. */
    readonly whenRecorded: (hookUid?: string) => Promise<void>;
  };

const LONGEST_PAGE = 200;
const USUAL_PAGE = 50;
/** Each takes a connection to the database for some 50 ms, and so long a processor. */
const MOST_SEARCHES = 8;
const KINDS: readonly EntryKind[] = ['fire', 'attempt', 'binding'];

export const createLedgerMethods = (settings: LedgerMethodsSettings) => {
  const { database, clock, followFires, whenRecorded } = settings;
  let searches = 0;
  return {
    searchFires: async (request: ApiRequest): Promise<ApiAnswer> => {
      const { since, until, limit, continuationToken } = request.query;
      const page = { since: timeIn('since', since), until: timeIn('until', until), continuationToken };
      const filter = filterIn(request);
      const most = Math.min(Number(limit ?? USUAL_PAGE), LONGEST_PAGE);
      const search = { ...filter, ...page, limit: most };
      if (searches >= MOST_SEARCHES) {
        throw new ApiError(
          'TooManyRequests',
          `${MOST_SEARCHES} searches are under way already; try again in a moment.`,
        );
      }
      searches += 1;
      try {
        await whenRecorded();
        const { entries, lookedUntil, ...token } = await searchLedger(database, clock, search);
        const looked = lookedUntil === undefined ? {} : { lookedUntil: toIso(lookedUntil) };
        return { body: { fires: entries.map(fireRowOf), ...token, ...looked } };
      } finally {
        searches -= 1;
      }
    },

    followFires: async (request: ApiRequest): Promise<ApiAnswer> => {
      const filter = filterIn(request);
      if (request.signed.method === 'HEAD') return { noContent: true };
      const after = request.lastEventId || request.query.after;
      if (after !== undefined && !/^[1-9]\d{0,14}$/.test(after)) {
        throw new ApiError(
          'InputError',
          'Last-Event-ID is no id of an event of this stream. Leave it out to begin anew.',
        );
      }
      return {
        stream: await followFires(
          filter,
          request.caller.clientId ?? '',
          after === undefined ? undefined : Number(after),
        ),
      };
    },

    fire: async (request: ApiRequest): Promise<ApiAnswer> => {
      const visible = visibleHooks(request.caller.scopes);
      if (visible !== 'all' && visible.names.length + visible.prefixes.length === 0) requireVisible(request);
      await whenRecorded();
      const row = await findLedgerEntry(database, Number(request.params.seq));
      const name = row && `${row.hookGroupId}/${row.hookId}`;
      if (!row || !name || !KINDS.includes(row.kind) || !isVisible(visible, name)) throw noSuchFire();
      const mayRead = holds(request.caller.scopes, `hooks:get-payload:${name}`);
      return { body: await explainFire(settings, row, mayRead) };
    },
  };
};

const filterIn = (request: ApiRequest): LedgerFilter => {
  const { hook, kind, outcome, firedBy, clientId, taskId, cause, requestId, text } = request.query;
  return {
    visible: requireVisible(request, hook),
    kinds: (kind?.split(',') as EntryKind[] | undefined) ?? KINDS,
    outcomes: outcome?.split(',') as Outcome[] | undefined,
    ...{ hook, firedBy, clientId, taskId, cause, requestId, text },
  };
};
