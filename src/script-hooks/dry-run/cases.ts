// Cases of a script: an event each, and what should become of it. They stand beside the script, in
// NAME.cases.json.
import { isDeepStrictEqual } from 'node:util';
import type { Event } from '../../community/types/event.ts';
import { diffLines, short } from '../../core/diff-lines.ts';
import type { ScriptHook } from '../build-hook.ts';
import type { Bowl, Outcome } from '../types.ts';
import { completeBowl } from './default-bowl.ts';

export type ScriptCase = {
  readonly title: string;
  /** The event itself, or the name of its file. */
  readonly event: Event | string;
  /** Values put into the event first, by path: `on-post/add/essay/author`. */
  readonly change?: Readonly<Record<string, unknown>>;
  readonly bowl?: Partial<Bowl>;
  readonly seed?: string;
  readonly expect: {
    readonly outcome: Outcome['outcome'];
    readonly reason?: string | null;
    readonly state?: unknown;
    readonly effects?: readonly unknown[];
    /** Texts that the effects, as JSON, contain. */
    readonly effectsContain?: readonly string[];
    /** As `simulate` shows them; left out: none. */
    readonly changes?: readonly string[];
    readonly prints?: readonly string[];
    /** Pointers to what does not count; left out: none. */
    readonly dropped?: readonly string[];
  };
};

const KEYS = {
  case: ['title', 'event', 'change', 'bowl', 'seed', 'expect'],
  expect: ['outcome', 'reason', 'state', 'effects', 'effectsContain', 'changes', 'prints', 'dropped'],
} as const;

/** The cases of a file's content. Throws for what are none, and says where. */
export const readCases = (value: unknown): ScriptCase[] => {
  if (!Array.isArray(value)) throw new TypeError('cases are a list: [{"title", "event", "expect"}]');
  for (const [index, one] of value.entries()) {
    const where = `case ${index + 1}`;
    if (!isObject(one)) throw new TypeError(`${where} must be an object`);
    if (typeof one.title !== 'string') throw new TypeError(`${where} has no title`);
    const named = `${where} (${one.title})`;
    if (typeof one.event !== 'string' && !isObject(one.event)) throw new TypeError(`${named} has no event`);
    if (!isObject(one.expect)) throw new TypeError(`${named} expects nothing: {"expect": {"outcome": "allowed"}}`);
    if (!['allowed', 'denied', 'failed'].includes(String(one.expect.outcome))) {
      throw new TypeError(`${named}: expect.outcome must be allowed, denied or failed`);
    }
    for (const [part, known] of [
      [one, KEYS.case],
      [one.expect, KEYS.expect],
    ] as const) {
      const strange = Object.keys(part).find((key) => !(known as readonly string[]).includes(key));
      if (strange !== undefined) throw new TypeError(`${named}: there is no ${strange}; there are ${known.join(', ')}`);
    }
  }
  return value as ScriptCase[];
};

/** Runs a case; gives what is not as expected, a line each. */
export const runCase = async (
  hook: ScriptHook,
  one: ScriptCase,
  readEvent: (name: string) => Event,
  hookName: string,
): Promise<{ readonly outcome: Outcome; readonly problems: readonly string[] }> => {
  const event = changed(typeof one.event === 'string' ? readEvent(one.event) : one.event, one.change ?? {});
  const bowl = completeBowl(event, one.bowl ?? {}, hookName);
  const outcome = await hook.run({ event, bowl, ...(one.seed === undefined ? {} : { seed: one.seed }) });
  return { outcome, problems: differences(event, outcome, one.expect) };
};

const differences = (event: Event, outcome: Outcome, expect: ScriptCase['expect']): string[] => {
  const problems: string[] = [];
  const compare = (what: string, found: unknown, expected: unknown): void => {
    if (expected === undefined || isDeepStrictEqual(plain(found), plain(expected))) return;
    problems.push(`${what}: ${short(found)}, expected ${short(expected)}`);
  };
  compare('outcome', outcome.outcome, expect.outcome);
  if (outcome.outcome === 'failed' && expect.outcome !== 'failed') problems.push(`${outcome.kind}: ${outcome.message}`);
  compare('reason', outcome.outcome === 'denied' ? outcome.reason : undefined, expect.reason);
  compare('state', outcome.state, expect.state);
  compare('effects', outcome.effects, expect.effects);
  const effects = JSON.stringify(outcome.effects);
  for (const text of expect.effectsContain ?? []) {
    if (!effects.includes(text)) problems.push(`effects: ${short(outcome.effects)} do not contain ${short(text)}`);
  }
  compare('changes', outcome.outcome === 'allowed' ? diffLines(event, outcome.event) : [], expect.changes ?? []);
  compare('prints', outcome.prints, expect.prints);
  const dropped = outcome.dropped.map(({ pointer, reason }) => `${pointer} ${reason}`);
  if (expect.dropped === undefined) problems.push(...dropped.map((line) => `does not count: ${line}`));
  else
    compare(
      'dropped',
      outcome.dropped.map(({ pointer }) => pointer),
      expect.dropped,
    );
  return problems;
};

const changed = (event: Event, change: Readonly<Record<string, unknown>>): Event => {
  const value = structuredClone(event);
  for (const [path, replacement] of Object.entries(change)) {
    const keys = path.split('/');
    const last = keys.pop() as string;
    const holder = keys.reduce<unknown>((found, key) => (isObject(found) ? found[key] : undefined), value);
    if (!isObject(holder)) throw new TypeError(`the event has nothing at ${path}`);
    holder[last] = replacement;
  }
  return value;
};

const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
