// From what a run reported to its outcome: piece by piece, a bad effect does not spoil a good event
// (decision 7).
import { decoder } from '../community/schema/decode.ts';
import { Effect } from '../community/types/effect.ts';
import { joinEvent, parseGuestJson, type SplitEvent } from './sandbox/lazy-event.ts';
import type { RunReport } from './sandbox/worker-protocol.ts';
import type { Dropped, Outcome } from './types.ts';

const checkEffect = decoder(Effect);

export type RunContext = { readonly pieces: SplitEvent; readonly state: unknown; readonly seed: string };

/** The outcome of a run. `state` is the state before it. */
export const checkAnswer = (report: RunReport, { pieces, state, seed }: RunContext): Outcome => {
  const { verdict, prints, durationMs } = report;
  const dropped: Dropped[] = report.dropped.map(([pointer, reason]) => ({ pointer, reason }));
  if (report.printsDropped > 0) {
    dropped.push({ pointer: '/prints', reason: `${report.printsDropped} prints over the limit were dropped` });
  }
  const failed = {
    outcome: 'failed',
    effects: [],
    state,
    stateJson: undefined,
    prints,
    dropped,
    seed,
    durationMs,
  } as const;
  if (verdict.kind === 'failed') {
    const { failure, message, line, column } = verdict;
    return { ...failed, kind: failure, message, ...(line === undefined ? {} : { line, column: column ?? 1 }) };
  }
  const effects = checkEffects(report.effects, dropped);
  const done = { effects, state, stateJson: report.state, prints, dropped, seed, durationMs };
  if (verdict.kind === 'denied') return withState({ outcome: 'denied', reason: verdict.reason, ...done });
  const event = joinEvent(pieces, verdict);
  if (event.ok) return withState({ outcome: 'allowed', event: event.value, ...done });
  return { ...failed, kind: 'malformed', message: `the returned event is wrong at ${event.pointer}: ${event.reason}` };
};

/** Puts the new state in, parsed when it is looked at: whoever only stores it needs its text. */
const withState = (outcome: Outcome): Outcome => {
  const { stateJson } = outcome;
  if (stateJson === undefined) return outcome;
  let parsed: { readonly state: unknown } | undefined;
  return Object.defineProperty(outcome, 'state', {
    get: () => {
      parsed ??= { state: parseGuestJson(stateJson) };
      return parsed.state;
    },
    enumerable: true,
  });
};

const checkEffects = (texts: readonly string[], dropped: Dropped[]): Effect[] => {
  const told = new Set(dropped.map(({ pointer }) => pointer));
  return texts.flatMap((text, index) => {
    const pointer = `/effects/${index}`;
    if (told.has(pointer)) return [];
    if (text === 'null') {
      dropped.push({ pointer, reason: 'is null' });
      return [];
    }
    const effect = checkEffect(parseGuestJson(text));
    if (effect.ok) return [effect.value];
    dropped.push({ pointer: pointer + effect.pointer, reason: effect.reason });
    return [];
  });
};
