// A row of the ledger as the cells of a table: number, end, hook, outcome, cause, task, reason.
import { reasonOf } from '../cli/reason-of.ts';
import { countedText, missedText, senderText } from '../hooks/hook-fires.ts';
import type { FoundFire } from './fire-filter.ts';

export const fireCells = (fire: FoundFire): readonly (string | undefined)[] => {
  const { seq, ended, hookGroupId, hookId, firedBy, taskId, outcome, attempts, detail } = fire;
  return [
    ...[String(seq), ended, `${hookGroupId}/${hookId}`, outcomeText(fire), senderText(detail) ?? firedBy],
    // Without an attempt, the id is that of a task that was never to be.
    outcome === 'created' || attempts > 0 ? taskId : undefined,
    outcome === 'missed' ? missedText(detail) : whyOf(fire),
  ];
};

const outcomeText = ({ kind, outcome, attempts, detail }: FoundFire): string | undefined => {
  if (kind === 'attempt') return `attempt ${attempts}`;
  if (kind === 'binding') return 'binding';
  return countedText(outcome, detail);
};

const whyOf = ({ kind, reason, detail }: FoundFire): string | undefined => {
  if (kind !== 'binding') return reason === undefined ? undefined : reasonOf(reason);
  const { state, exchange, routingKeyPattern } = (detail ?? {}) as Record<string, unknown>;
  return `${state}: ${exchange} with ${JSON.stringify(routingKeyPattern)}${reason === undefined ? '' : `: ${reasonOf(reason)}`}`;
};
