// The methods of the hooks API that read the ledger over all hooks, as data.
import type { MethodDeclaration } from '../../../http/api-method.ts';
import { DATE } from '../../../http/request-checks.ts';
import { ENTRY_KINDS, FIRE_OUTCOMES } from '../../../ledger/entry.ts';
import { FIRE_RESPONSE, SEARCH_FIRES_RESPONSE } from './schemas.ts';

const SEQ = /^[1-9]\d{0,14}$/;
const TEXT = /^[\x20-\x7e]{1,2000}$/;
const someOf = (words: readonly string[]) => new RegExp(`^(${words.join('|')})(,(${words.join('|')})){0,9}$`);

const FILTER = {
  hook: /^[a-zA-Z0-9-_/*]{1,2001}$/,
  kind: someOf(ENTRY_KINDS.filter((kind) => kind !== 'run')),
  outcome: someOf(FIRE_OUTCOMES),
  firedBy: /^[a-zA-Z]{1,40}$/,
  clientId: TEXT,
  taskId: /^[\w-]{1,100}$/,
  cause: TEXT,
  requestId: TEXT,
  text: /^.{1,200}$/s,
};

const ledger = { category: 'Ledger', stability: 'experimental', verb: 'GET', authorization: 'deferred' } as const;
const FILTERS =
  '`hook` (`group/id`, `*` for any characters), `kind` and `outcome` (several, with commas between them), `firedBy`, `clientId`, `taskId`, ' +
  '`cause`, `requestId`, `text` (in the first 1,200 characters of the reason, whatever the case)';

export const LEDGER_METHODS = [
  {
    ...ledger,
    name: 'searchFires',
    title: 'Search the ledger',
    description:
      `What became of the events of all hooks that the caller may see, newest first: those that fit ${FILTERS}, \`since\` (from then on) and ` +
      '`until` (before then). At most 200 a page, 50 unless `limit` says so. A page takes a bounded time: where little fits it may hold less, or ' +
      'nothing, and `lookedUntil` says how far it came; the continuationToken goes on from there.',
    route: '/fires',
    query: { ...FILTER, since: DATE, until: DATE, continuationToken: /^.+$/s, limit: /^[1-9]\d{0,3}$/ },
    scopes: 'hooks:list-last-fires:<hookGroupId>/<hookId>',
    output: SEARCH_FIRES_RESPONSE,
  },
  {
    ...ledger,
    name: 'followFires',
    title: 'Follow the ledger',
    description:
      `What is new in the ledger, of all hooks that the caller may see, as server-sent events: those that fit ${FILTERS}. The id of an event is ` +
      'the `seq` of its row, its data are the row. With `Last-Event-ID` (or `after`) it goes on with what came since; a row may then come a second time. ' +
      'The event `gap` says that there was more than is caught up with, and until when; search tells of it. The stream ends after fifteen minutes, ' +
      'and is opened again with the scopes of then.',
    route: '/fires/follow',
    query: { ...FILTER, after: SEQ },
    scopes: 'hooks:list-last-fires:<hookGroupId>/<hookId>',
    streams: true,
  },
  {
    ...ledger,
    name: 'fire',
    title: 'Explain a fire',
    description:
      'One row of the ledger, explained: the verdict of each step, the attempts, the task and its state, what it repeats and what repeats it; and ' +
      'its payload, for who has `hooks:get-payload:<hookGroupId>/<hookId>` too. A fire of a hook that the caller may not see is not found.',
    route: '/fires/<seq>',
    params: { seq: SEQ },
    scopes: 'hooks:list-last-fires:<hookGroupId>/<hookId>',
    output: FIRE_RESPONSE,
  },
] as const satisfies readonly MethodDeclaration[];
