// How far a job goes on by itself, and what later runs get of earlier ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInOrder } from './run-in-order.ts';
import type { Run, RunReport, Verdict } from './worker-protocol.ts';

const SAME: Verdict = { kind: 'same' };
const DENIED: Verdict = { kind: 'denied', reason: null };
const FAILED: Verdict = { kind: 'failed', failure: 'threw', message: '', stack: [], causes: [] };
const CHANGED: Verdict = { kind: 'whole', json: '{"n":2}' };
const AS_IT_WAS: Verdict = { kind: 'whole', json: '{"n":1}' };

const given = { head: '{}', parts: [], skeleton: '{"n":1}', isWhole: true };

type Told = { readonly owner: string; readonly verdict: Verdict; readonly sets?: string; readonly guards?: boolean };

/** Answers `owner:state` of the runs that took place, for each event. */
const play = (...events: readonly (readonly Told[])[]) => {
  const all = events.flat();
  const begun: number[] = [];
  const seen: string[] = [];
  const runs = events.map((list) => ({
    event: given,
    runs: list.map(({ owner, guards }) => ({ owner, passesWhenFailed: guards !== true, known: {} }) as unknown as Run),
  }));
  const reports = runInOrder(
    { events: runs },
    ({ owner, known }) => {
      seen.push(`${owner}:${known.state ?? ''}`);
      const { verdict, sets } = all[begun.at(-1) ?? -1] as Told;
      return { verdict, state: sets } as RunReport;
    },
    (index) => begun.push(index),
  );
  return reports.map(({ length }) => seen.splice(0, length));
};

test('runs go on while the event stays the same, with the states that those before them set', () => {
  const [sets, reads] = [
    { owner: 'a', verdict: SAME, sets: '1' } as const,
    { owner: 'a', verdict: AS_IT_WAS } as const,
  ];
  assert.deepEqual(play([sets, { owner: 'b', verdict: SAME }], [reads, reads]), [
    ['a:', 'b:'],
    ['a:1', 'a:1'],
  ]);
});

test('what denies an event ends it, its state counts, and the next event comes', () => {
  const denies = { owner: 'a', verdict: DENIED, sets: '1' };
  assert.deepEqual(play([denies, { owner: 'b', verdict: SAME }], [{ owner: 'a', verdict: SAME }]), [['a:'], ['a:1']]);
});

test('a failure is passed unless the hook guards, and its state does not count', () => {
  const fails = { owner: 'a', verdict: FAILED, sets: '1' };
  const next = { owner: 'a', verdict: SAME };
  assert.deepEqual(play([fails, next], [next]), [['a:', 'a:'], ['a:']]);
  assert.deepEqual(play([{ ...fails, guards: true }, next], [next]), [['a:'], ['a:']]);
});

test('a changed event is looked at by the host before a run that depends on it', () => {
  const changes = { owner: 'a', verdict: CHANGED };
  const next = { owner: 'b', verdict: SAME };
  assert.deepEqual(play([changes, next], [next]), [['a:']]);
  assert.deepEqual(play([changes], [next]), [['a:'], ['b:']]);
  assert.deepEqual(play([{ ...changes, sets: '1' }], [next]), [['a:']]);
});
