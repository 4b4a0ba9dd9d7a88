// `hookwright fires search`: what became of the events of all hooks that one may see.
import type { Hooks } from '#client';
import type { Run } from '../cli/command.ts';
import { requireCount } from '../cli/input/require-id.ts';
import { table } from '../cli/table.ts';
import { fireCells } from './fire-cells.ts';
import { type FoundFire, queryOf, timesOf } from './fire-filter.ts';

/** The server gives no more at a time. */
const LONGEST_PAGE = 200;
/** Where little fits, a page may be empty, and each is a while of work for the server. */
const MOST_PAGES = 100;

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
  for (let pages = 0; pages < MOST_PAGES && fires.length < limit; pages += 1) {
    const page = await hooks.searchFires({
      ...query,
      limit: Math.min(limit - fires.length, LONGEST_PAGE),
      ...(continuationToken !== undefined && { continuationToken }),
    });
    fires.push(...page.fires);
    ({ continuationToken, lookedUntil } = page);
    if (continuationToken === undefined) return { fires, lookedUntil: undefined };
  }
  return { fires, lookedUntil: fires.length < limit ? lookedUntil : undefined };
};
