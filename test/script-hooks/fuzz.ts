// A mix of honest, malformed and hostile runs: every honest one must come out right, whatever ran
// before it.
import assert from 'node:assert/strict';
import { buildHook, createSandbox, type Event, type Outcome, type ScriptHook } from '../../src/script-hooks/index.ts';
import { KNOWN_ATTACKS, OWN_ATTACKS } from './attacks.ts';
import { bowl, eventNamed, eventNames, scriptOf } from './support.ts';

export type FuzzResult = {
  readonly honest: number;
  readonly malformed: number;
  readonly hostile: number;
  /** Resident memory of the process, in MB, after each twentieth of the runs. */
  readonly memory: readonly number[];
};

/** What an honest script must answer for an event and a state. */
type Honest = { readonly code: string; readonly check: (outcome: Outcome, event: Event, state: unknown) => void };

const TEXTS = [
  'plain',
  'don\'t "quote" \\ me',
  'a\nb\u2028c',
  '😀 \ud800 lone',
  '~sampel-palnet',
  '',
  '<b>&amp;</b>',
  '__proto__',
  'x'.repeat(500),
];

const HONEST: readonly Honest[] = [
  {
    code: '',
    check: (outcome, event) => assert.equal(outcome.outcome === 'allowed' && outcome.event, event),
  },
  {
    code: 'hooks.print(JSON.stringify(event))',
    check: (outcome, event) => {
      assert.deepEqual(JSON.parse(outcome.prints[0] ?? ''), event);
      assert.equal(outcome.outcome === 'allowed' && outcome.event, event);
    },
  },
  {
    code: 'if (globalThis.n) throw new Error("not fresh"); globalThis.n = 1; const s = hooks.get_state(); hooks.set_state({n: s.n + 1, text: s.text})',
    check: (outcome, _event, state) => {
      const { n, text } = state as { n: number; text: string };
      assert.deepEqual(outcome.state, JSON.parse(JSON.stringify({ n: n + 1, text })));
    },
  },
  {
    code: 'const post = event["on-post"]?.add; if (post) post.essay.content.unshift({inline: ["first"]})',
    check: (outcome, event) => {
      assert.equal(outcome.outcome, 'allowed');
      const expected = structuredClone(event) as { 'on-post'?: { add?: { essay: { content: unknown[] } } } };
      expected['on-post']?.add?.essay.content.unshift({ inline: ['first'] });
      assert.deepEqual(outcome.outcome === 'allowed' && outcome.event, expected);
    },
  },
  {
    code: 'return {event: {denied: hooks.get_state().text}, effects: [hooks.effects.send_dm("~nec", hooks.get_state().text), null]}',
    check: (outcome, _event, state) => {
      const { text } = state as { text: string };
      assert.equal(outcome.outcome === 'denied' && outcome.reason, text.slice(0, 1000));
      assert.equal(outcome.effects.length, 1);
      assert.equal(outcome.dropped.length, 1);
    },
  },
];

const MALFORMED: readonly string[] = [
  'return 5',
  'return {event: {allowed: {other: 5}}}',
  'throw new Error("x")',
  'return {event: {denied: []}}',
  'undefined.x',
  'hooks.set_state()',
];

/**
 * Runs a mix that `seed` determines; one run in a hundred is hostile. Rejects when an honest run is
 * wrong.
 */
export const fuzz = async (
  runs: number,
  seed: number,
  onProgress: (done: number) => void = () => {},
): Promise<FuzzResult> => {
  await using sandbox = createSandbox({ workers: 1, limits: { graceMs: 20 } });
  const hooks = new Map<string, Promise<ScriptHook>>();
  const hookOf = (code: string, source = scriptOf(code)): Promise<ScriptHook> => {
    const found = hooks.get(source);
    if (found !== undefined) return found;
    const built = buildHook(source, { sandbox });
    hooks.set(source, built);
    return built;
  };
  const next = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[next() % list.length] as T;
  const attacks = [...KNOWN_ATTACKS, ...OWN_ATTACKS];
  const counts = { honest: 0, malformed: 0, hostile: 0 };
  const memory: number[] = [];
  const names = eventNames();
  for (let run = 1; run <= runs; run++) {
    const event = eventNamed(pick(names));
    const text = pick(TEXTS);
    const post = (event as { 'on-post'?: { add?: { essay: { content: unknown[] } } } })['on-post']?.add;
    post?.essay.content.push({ inline: [text, { bold: [text] }] });
    const state = { n: next() % 1000, text: text.toWellFormed() };
    const request = { event, bowl: { ...bowl, state }, seed: String(run) };
    const dice = next() % 100;
    if (dice === 0) {
      counts.hostile++;
      const { code, source } = pick(attacks);
      const hook = await hookOf(code ?? '', source);
      await hook.run({ ...request, deadlineMs: 20 });
      hook.enable();
    } else if (dice <= 15) {
      counts.malformed++;
      const outcome = await (await hookOf(pick(MALFORMED))).run({ ...request, deadlineMs: 2000 });
      assert.equal(outcome.outcome, 'failed');
      assert.equal(outcome.state, state);
    } else {
      counts.honest++;
      const { code, check } = pick(HONEST);
      // What is slow is not wrong: the machine is shared.
      check(await (await hookOf(code)).run({ ...request, deadlineMs: 2000 }), event, state);
    }
    if (run % Math.ceil(runs / 20) === 0) {
      memory.push(process.memoryUsage().rss / 2 ** 20);
      onProgress(run);
    }
  }
  return { ...counts, memory };
};

/** Numbers that depend on the seed alone. */
const generator = (seed: number) => {
  let state = seed >>> 0;
  return (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
};

/** Fails when memory still climbs after the first half. In MB. */
export const assertFlat = (memory: readonly number[]): void => {
  const half = Math.ceil(memory.length / 2);
  const [early, late] = [memory.slice(2, half), memory.slice(half)].map((part) => Math.max(...part)) as [
    number,
    number,
  ];
  assert.ok(late <= early * 1.25 + 32, `memory climbed from ${early.toFixed(0)} to ${late.toFixed(0)} MB`);
};
