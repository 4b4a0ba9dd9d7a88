// `hookwright fires search`: what became of the events of all hooks that one may see.
import type { Hooks } from '#client';
import type { Run } from '../cli/command.ts';
import { requireCount } from '../cli/input/require-id.ts';
import { table } from '../cli/table.ts';
import { fireCells } from './fire-cells.ts';
import { type FoundFire, queryOf, timesOf } from './fire-filter.ts';

/** The server gives no more at a time. */
const LONGEST_PAGE = 200;
/** Where little fits, pages end because their time is up, and each was work for the server. */
const MOST_CUT_SHORT = 100;

export const searchFires: Run = async (call) => {
  const limit = requireCount('limit', call.text('limit') ?? '20');
  const query = { ...queryOf(call), ...timesOf(call) };
  const { hooks } = await call.connect();
  const { fires, lookedUntil } = await newest(hooks, query, limit);
  call.output.answer(fires, (paint) =>
    table(['FIRE', 'ENDED', 'HOOK', 'OUTCOME', 'FIRED BY', 'TASK', 'REASON'], fires.map(fireCells), {
      paint,
      empty: 'Nothing in the ledger fits.',
    }),
  );
  if (lookedUntil !== undefined) {
    call.output.remark(`Looked through what is newer than ${lookedUntil}. To go on: --until ${lookedUntil}`);
  }
  return 0;
};

const newest = async (hooks: Hooks, query: Parameters<Hooks['searchFires']>[0], limit: number) => {
  const fires: FoundFire[] = [];
  let continuationToken: string | undefined;
  let lookedUntil: string | undefined;
  for (let cutShort = 0; cutShort < MOST_CUT_SHORT && fires.length < limit; cutShort += lookedUntil ? 1 : 0) {
    const page = await hooks.searchFires({
      ...query,
      limit: Math.min(limit - fires.length, LONGEST_PAGE),
      ...(continuationToken !== undefined && { continuationToken }),
    });
    fires.push(...page.fires);
    ({ continuationToken, lookedUntil } = page);
    if (continuationToken === undefined) return { fires };
  }
  return { fires, ...(fires.length < limit && { lookedUntil }) };
};
