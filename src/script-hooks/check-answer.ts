// From what a run reported to its outcome, piece by piece: a bad effect does not spoil a good
// event.
import { decoder } from '../community/schema/decode.ts';
import { Effect } from '../community/types/effect.ts';
import type { RunReport } from './engine/worker-protocol.ts';
import { joinEvent, parseGuestJson, type SplitEvent } from './sandbox/lazy-event.ts';
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
    const { failure, message, stack, causes } = verdict;
    const { line, column } = stack[0] ?? {};
    const place = line === undefined || column === undefined ? {} : { line, column };
    return { ...failed, kind: failure, message, ...place, stack, causes };
  }
  const effects = checkEffects(report.effects, dropped);
  const done = { effects, state, stateJson: report.state, prints, dropped, seed, durationMs };
  if (verdict.kind === 'denied') return withState({ outcome: 'denied', reason: verdict.reason, ...done });
  const event = joinEvent(pieces, verdict);
  if (event.ok) {
    dropped.push(...(event.ignored ?? []));
    const returned = report.returned === undefined ? {} : { returned: parseGuestJson(report.returned) };
    return withState({ outcome: 'allowed', event: event.value, ...returned, ...done });
  }
  const message = `the returned event is wrong at ${event.pointer}: ${event.reason}`;
  return { ...failed, kind: 'malformed', message, stack: [], causes: [] };
};

/** Puts the new state in, parsed when it is looked at: whoever only stores it needs its text. */
const withState = (outcome: Outcome): Outcome =>
  outcome.stateJson === undefined ? outcome : Object.defineProperty(outcome, 'state', STATE);

/** For all: what a getter of its own holds would live until the next large garbage collection. */
const STATE = {
  get(this: Outcome): unknown {
    const state = parseGuestJson(this.stateJson as string);
    if (!Object.isSealed(this)) Object.defineProperty(this, 'state', { value: state, enumerable: true });
    return state;
  },
  enumerable: true,
  configurable: true,
};

const checkEffects = (texts: readonly string[], dropped: Dropped[]): Effect[] => {
  const told = new Set(dropped.map(({ pointer }) => pointer));
  return texts.flatMap((text, index) => {
    const pointer = `/effects/${index}`;
    if (text === 'null') {
      if (!told.has(pointer)) dropped.push({ pointer, reason: 'is null' });
      return [];
    }
    const effect = checkEffect(parseGuestJson(text));
    if (effect.ok) {
      for (const { pointer: inside, reason } of effect.ignored ?? [])
        dropped.push({ pointer: pointer + inside, reason });
      return [effect.value];
    }
    dropped.push({ pointer: pointer + effect.pointer, reason: effect.reason });
    return [];
  });
};
