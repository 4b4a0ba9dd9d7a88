// A new definition beside the saved one, on the last events of the hook.
import { type Clock, nextTurn } from '../../core/clock.ts';
import { diffLines } from '../../core/diff-lines.ts';
import { newSlugId } from '../../core/ids.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { FireOutcome, LedgerRow } from '../../ledger/entry.ts';
import type { CompiledHook } from '../evaluation/evaluator.ts';
import type { DryRun, Tried } from './dry-run.ts';
import { eventAgain, findWebhookOf, type KeptEvents } from './kept-event.ts';

export type RenderLastSettings = {
  readonly ledger: Pick<Ledger, 'page'>;
  readonly events: KeptEvents;
  readonly dryRun: DryRun;
  readonly clock: Clock;
};

export type ComparedEvent = {
  readonly row: LedgerRow;
  readonly verdict: 'same' | 'changed' | 'worse';
  readonly was: Tried;
  readonly is: Tried;
  readonly diff: readonly string[];
};

export type ComparedEvents = {
  readonly events: readonly ComparedEvent[];
  readonly notKept: number;
  /** There was no time for all. */
  readonly isCut: boolean;
};

export type RenderLast = (
  saved: CompiledHook,
  changed: CompiledHook,
  which: { readonly most: number; readonly outcome: FireOutcome | undefined },
) => Promise<ComparedEvents>;

/** Rows of the ledger, to find as many as are asked for whose payload is kept. */
const MOST_LOOKED_AT = 100;
const MOST_DIFFERENCES = 30;
/** Texts of tasks that are parsed to be compared. */
const LARGEST_COMPARED = 256 * 1024;
/** On the main thread; what comes after it is evaluated in another process. */
const LONGEST_HERE_MS = 20;
const LONGEST_MS = 10_000;

export const createRenderLast = ({ ledger, events, dryRun, clock }: RenderLastSettings): RenderLast => {
  return async (saved, changed, { most, outcome }) => {
    const began = clock.monotonic();
    const outcomes = outcome === undefined ? {} : { outcomes: [outcome] };
    const page = { hookUid: saved.uid, kinds: ['fire'], limit: MOST_LOOKED_AT, ...outcomes } as const;
    const { entries } = await ledger.page(page);
    const compared: ComparedEvent[] = [];
    let notKept = 0;
    let hereMs = 0;
    for (const row of entries) {
      if (compared.length === most) break;
      if (clock.monotonic() - began > LONGEST_MS) return { events: compared, notKept, isCut: true };
      const kept = await events.read(row);
      const started = clock.monotonic();
      const webhook = await findWebhookOf(row, kept, events.findWebhook);
      const again = () => eventAgain(row, kept, { taskId: newSlugId(), now: clock.now(), webhook });
      const event = again();
      if (typeof event === 'string') {
        notKept += 1;
        continue;
      }
      const mayBeHere = hereMs < LONGEST_HERE_MS;
      const was = await dryRun(saved, { ...event, mayBeHere }, saved);
      // A copy: the check of either definition fills in its defaults.
      const own = { ...(again() as typeof event), mayBeHere };
      const { taskId, now } = event.context;
      const is = await dryRun(changed, { ...own, context: { ...own.context, taskId, now } }, saved);
      compared.push(compare(row, was, is));
      if (was.ranIn === 'server' || is.ranIn === 'server') hereMs += clock.monotonic() - started;
      await nextTurn();
    }
    return { events: compared, notKept, isCut: false };
  };
};

const compare = (row: LedgerRow, was: Tried, is: Tried): ComparedEvent => {
  const diff = differences(was, is);
  if (isGood(was) && !isGood(is)) return { row, verdict: 'worse', was, is, diff };
  const isSame = JSON.stringify(toldOf(was)) === JSON.stringify(toldOf(is)) && diff.length === 0;
  return { row, verdict: isSame ? 'same' : 'changed', was, is, diff };
};

const isGood = ({ result: { outcome } }: Tried): boolean =>
  outcome === 'created' || outcome === 'pending' || outcome === 'declined';

const toldOf = ({ evaluation, result }: Tried): unknown => [evaluation.outcome, result];

const differences = (was: Tried, is: Tried): readonly string[] => {
  const [before, after] = [taskIn(was), taskIn(is)];
  if (before === after || before === undefined || after === undefined) return [];
  if (Math.max(before.length, after.length) > LARGEST_COMPARED) {
    return [`~ /: tasks of ${before.length} and ${after.length} characters differ; that is too much to compare`];
  }
  return diffLines(JSON.parse(before), JSON.parse(after), MOST_DIFFERENCES);
};

const taskIn = ({ evaluation }: Tried): string | undefined =>
  evaluation.outcome === 'rendered' ? evaluation.task : undefined;
