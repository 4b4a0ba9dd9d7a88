// `hookwright hooks fires`: what became of the events of a hook, and with --follow what becomes of
// those that come.
import type { FireRecord, Hooks } from '#client';
import type { Call, Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { requireCount } from '../cli/input/require-id.ts';
import { keepLooking } from '../cli/keep-looking.ts';
import { asJson, oneLine, type Paint } from '../cli/output.ts';
import { reasonOf } from '../cli/reason-of.ts';
import { table } from '../cli/table.ts';
import { type HookArguments, hookOf } from './hook-name.ts';

const LOOK_EVERY_MS = 1_000;
/** The server gives no more at a time. */
const LONGEST_PAGE = 1_000;

export const hookFires: Run = async (call) => {
  const name = hookOf(call);
  const limit = requireCount('limit', call.text('limit') ?? '20');
  if (call.has('follow')) return follow(call, name, limit);
  const { hooks } = await call.connect();
  const fires = await newest(hooks, name, limit);
  const { pending = [] } = await hooks.listFires(...name, { limit: '1' });
  for (const { firedBy, taskId, attempts, error } of pending) {
    const why = error === undefined ? '' : `: ${reasonOf(error)}`;
    call.output.remark(`Under way, fired by ${firedBy}, task ${taskId}, ${attempts} attempts failed${why}`);
  }
  call.output.answer(fires, (paint) =>
    table(['ENDED', 'OUTCOME', 'FIRED BY', 'TASK', 'REASON'], fires.map(cellsOf), {
      paint,
      empty: `No event has reached ${name.join('/')} yet.`,
    }),
  );
  return EXIT_STATUS.done;
};

const newest = async (hooks: Hooks, name: HookArguments, limit: number): Promise<FireRecord[]> => {
  const found: FireRecord[] = [];
  for await (const fire of hooks.fires(...name, { pageSize: Math.min(limit, LONGEST_PAGE) })) {
    if (found.push(fire) === limit) break;
  }
  return found;
};

const cellsOf = ({
  kind,
  outcome,
  attempts,
  ended,
  firedBy,
  taskId,
  error,
  detail,
}: FireRecord): readonly (string | undefined)[] => [
  ended,
  kind === 'attempt' ? `attempt ${attempts}` : outcome === 'missed' ? outcome : countedText(outcome, detail),
  senderText(detail) ?? firedBy,
  // Without an attempt, the id is that of a task that was never to be.
  outcome === 'created' || attempts > 0 ? taskId : undefined,
  outcome === 'missed' ? missedText(detail) : error === undefined ? undefined : reasonOf(error),
];

/** A row stands for many events when they were only counted. */
export const countedText = (outcome: string | undefined, detail: unknown): string | undefined => {
  const { count } = (detail ?? {}) as Record<string, unknown>;
  return typeof count === 'number' ? `${outcome} × ${count}` : outcome;
};

/** By which webhook a delivery came; undefined: it is none. */
export const senderText = (detail: unknown): string | undefined => {
  const { webhook } = (detail ?? {}) as Record<string, unknown>;
  return typeof webhook === 'string' ? `webhook ${webhook}` : undefined;
};

export const missedText = (detail: unknown): string => {
  const { first, last, count, atLeast } = (detail ?? {}) as Record<string, unknown>;
  if (count === 1) return `due at ${first}`;
  return `${atLeast === true ? 'at least 1,000' : count} occurrences, from ${first} to ${last}`;
};

/** Oldest first, as a log. */
const follow = (call: Call, name: HookArguments, limit: number): Promise<number> => {
  let known: Known | undefined;
  const { output } = call;
  return keepLooking(call, LOOK_EVERY_MS, async ({ connection: { hooks }, answered }) => {
    const before = known;
    known = before ? await freshOf(hooks, name, before) : await lookBack(hooks, name, limit);
    answered();
    for (const fire of known.fresh.toReversed()) {
      output.line(output.isJson ? asJson(fire, 0) : lineOf(fire, output.paint));
    }
  });
};

/**
 * The newest fires. What is older than `floor` was not looked at; undefined: there is nothing
 * older.
 */
type Known = {
  readonly fires: readonly FireRecord[];
  /** Those of them that were not known before. */
  readonly fresh: readonly FireRecord[];
  readonly floor: string | undefined;
};

/**
 * How far behind the newest one a row may come in, in rows: what was committed late is seen too.
 */
const LOOK_BACK = 200;

const lookBack = async (hooks: Hooks, name: HookArguments, limit: number): Promise<Known> => {
  const most = Math.max(limit, LOOK_BACK);
  const fires = await newest(hooks, name, most);
  return { fires, fresh: fires.slice(0, limit), floor: fires.length === most ? fires.at(-1)?.ended : undefined };
};

/**
 * What is not among the known ones; and what to know the next time. Records never change, so they
 * are their own identity.
 */
const freshOf = async (hooks: Hooks, name: HookArguments, { fires: known, floor = '' }: Known): Promise<Known> => {
  const seen = new Set(known.map((fire) => JSON.stringify(fire)));
  const fires: FireRecord[] = [];
  const fresh: FireRecord[] = [];
  let met = 0;
  for await (const fire of hooks.fires(...name, { pageSize: LOOK_BACK })) {
    const isKnown = seen.has(JSON.stringify(fire));
    // As old as the floor and not known: it belongs to what was not looked at.
    if (!isKnown && fire.ended <= floor) return { fires, fresh, floor };
    fires.push(fire);
    if (!isKnown) fresh.push(fire);
    else if (++met === LOOK_BACK) return { fires, fresh, floor: fire.ended };
  }
  return { fires, fresh, floor: undefined };
};

/** Columns of fixed width, because what comes is not known yet. */
const lineOf = (fire: FireRecord, paint: Paint): string => {
  const [ended = '', outcome = '', firedBy = '', taskId = '-', reason = ''] = cellsOf(fire);
  const colour =
    outcome === 'created'
      ? 'green'
      : ['declined', 'skipped'].includes(outcome)
        ? 'dim'
        : fire.kind === 'attempt'
          ? 'yellow'
          : 'red';
  const start = `${ended}  ${paint(colour, outcome.padEnd(10))}  ${firedBy.padEnd(20)}  ${taskId.padEnd(22)}`;
  return `${start}  ${oneLine(reason)}`.trimEnd();
};
