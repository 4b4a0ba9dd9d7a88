// One fire, explained: what it passed, where it ended, and what belongs to it.

import { toIso } from '../../../core/clock.ts';
import type { Database } from '../../../database/database.ts';
import type { LedgerRow } from '../../../ledger/entry.ts';
import type { KeptPayload, Payloads } from '../../../ledger/payloads/payloads.ts';
import { findAttemptsOf, findReplaysOf } from '../../../ledger/search/find-fire.ts';
import type { Queue } from '../../../queue/queue.ts';
import type { HookStore } from '../../hooks/hook-store.ts';
import { detailOf, fireRowOf, reasonOf } from './fire-row.ts';
import type { Explanation, Step, StepName } from './schemas.ts';

export type ExplainFireSettings = {
  readonly database: Database;
  readonly hooks: Pick<HookStore, 'find'>;
  readonly payloads: Pick<Payloads, 'read'>;
  readonly queue: Pick<Queue, 'taskStates'>;
};

export const explainFire = async (
  { database, hooks, payloads, queue }: ExplainFireSettings,
  row: LedgerRow,
  mayReadPayload: boolean,
): Promise<Explanation> => {
  const isFire = row.kind === 'fire';
  const [hook, tries, replays, states, kept] = await Promise.all([
    hooks.find(row),
    isFire && row.cause !== null ? findAttemptsOf(database, row) : [],
    isFire ? findReplaysOf(database, row.seq) : [],
    row.taskId === null ? new Map<string, string>() : queue.taskStates([row.taskId]),
    mayReadPayload ? payloads.read(database, row) : undefined,
  ]);
  const { detail: _, ...summary } = fireRowOf({
    ...row,
    beginning: row.error === null ? null : JSON.stringify(row.error),
  });
  const detail = mayReadPayload ? row.detail : detailOf(row.detail);
  const taskState = states.get(row.taskId ?? '');
  const from = /^replay:(\d+):/.exec(row.cause ?? '')?.[1];
  return {
    ...summary,
    ...(row.error !== null && { error: row.error }),
    ...(detail !== undefined && detail !== null && { detail }),
    hook: stateOf(row, hook),
    steps: isFire ? stepsOf(row) : [],
    tries: tries.map((one) => ({ seq: one.seq, at: toIso(one.at), ...withReason(reasonOf(one)) })),
    ...(taskState !== undefined && { taskState }),
    ...(from !== undefined && { replayedFrom: Number(from) }),
    replayedInto: replays.map(({ seq, outcome, taskId }) => ({
      seq,
      ...(outcome !== null && { outcome }),
      ...(taskId !== null && { taskId }),
    })),
    payloadIs: mayReadPayload ? (kept ? 'shown' : 'not kept') : 'not yours to read',
    ...(kept && { payload: shown(kept) }),
  };
};

const withReason = (reason: string | undefined) => (reason === undefined ? {} : { reason });

const stateOf = (row: LedgerRow, hook: Awaited<ReturnType<HookStore['find']>>): Explanation['hook'] => {
  if (!hook) return 'removed';
  if (hook.uid !== row.hookUid) return 'made anew';
  if (row.hookRevision === null) return 'not known';
  return hook.revision === row.hookRevision ? 'the same' : 'changed';
};

const shown = ({ text, context, bytes, isWhole, isRedacted }: KeptPayload): NonNullable<Explanation['payload']> => {
  const about = { context, bytes, isWhole, isRedacted };
  if (text === undefined) return about;
  try {
    if (isWhole) return { value: JSON.parse(text), ...about };
  } catch {
    // It is no JSON, which is why the fire was rejected.
  }
  return { text, ...about };
};

/** The step at which the event ended; undefined: it passed all of them. */
type Ended = Pick<Step, 'verdict'> & { readonly at: StepName };

/**
 * What the ledger has of a delivery to a webhook. `check`: the one that failed; of deliveries that
 * were counted only, that of the last one.
 */
type OfDelivery = { readonly webhook?: string; readonly check?: string; readonly sample?: { readonly check?: string } };

/** `step`: where it ended, unless at the template. The others: what the queue answered. */
type OfError = { readonly step?: StepName; readonly code?: unknown; readonly statusCode?: unknown };

const endOf = ({ outcome, error, attempts, detail }: LedgerRow): Ended | undefined => {
  const { step: at = 'rendered', code, statusCode } = (error ?? {}) as OfError;
  const { sample, check = sample?.check } = (detail ?? {}) as OfDelivery;
  switch (outcome) {
    case 'created':
      return undefined;
    case 'rejected':
      return { at: check === undefined ? 'validated' : 'verified', verdict: 'failed' };
    case 'declined':
      return { at, verdict: 'declined' };
    case 'skipped':
      return { at: 'authorized', verdict: 'not needed' };
    case 'limited':
      return { at, verdict: 'limited' };
    case 'failed':
      if (code === 'InsufficientScopes') return { at: 'authorized', verdict: 'failed' };
      if (statusCode !== undefined) return { at: 'created', verdict: 'failed' };
      return { at, verdict: 'failed' };
    case 'exhausted':
      return { at: attempts > 0 ? 'created' : 'rendered', verdict: 'failed' };
    default:
      return { at: 'verified', verdict: 'not reached' }; // nothing looked at it: missed
  }
};

export const stepsOf = (row: LedgerRow): Step[] => {
  const end = endOf(row);
  const isCall = row.firedBy === 'triggerHook' || row.firedBy === 'triggerHookWithToken';
  const order: readonly (readonly [StepName, boolean])[] = [
    ['verified', isCall],
    ['matched', row.firedBy === 'pulseMessage' || ((row.detail ?? {}) as OfDelivery).webhook !== undefined],
    ['validated', row.firedBy !== 'schedule'],
    ['rendered', true],
    // A queue checks the role together with the rest of the task, and tells of the first trouble.
    ['authorized', true],
    ['created', true],
  ];
  const last = end === undefined ? order.length : order.findIndex(([step]) => step === end.at);
  const reason = reasonOf({ ...row, beginning: row.error === null ? null : JSON.stringify(row.error) });
  return order.map(([step, isNeeded], index): Step => {
    if (end && index === last) return { step, verdict: end.verdict, ...withReason(reason) };
    if (index > last) return { step, verdict: 'not reached' };
    if (!isNeeded) return { step, verdict: 'not needed' };
    return { step, verdict: step === 'authorized' && end ? 'not known' : 'passed' };
  });
};
