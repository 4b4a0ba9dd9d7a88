// One run's side of the calls between script and host: answers the script's questions, and writes
// down what it says.
import { createHash } from 'node:crypto';
import { idFromMillis, withDots } from '../../community/schema/id.ts';
import { normalizeShip, shipFromJson } from '../../community/schema/ship.ts';
import { OPS } from '../guest/ops.ts';
import type { Limits } from '../limits.ts';
import { stackFrames } from '../source-place.ts';
import { GuestError, type HostCall } from './vm.ts';
import type {
  Failure,
  FailureKind,
  GivenEvent,
  PostRange,
  Question,
  Remark,
  Run,
  RunReport,
  SaidWhileLoading,
  Thrown,
  Verdict,
} from './worker-protocol.ts';

/** An answer of the host as JSON. */
export type AskQuestion = (question: Question, range?: PostRange) => string;

export type HostCalls = {
  readonly answer: HostCall;
  /** Says that loading is over: what throws from now on is the hook. */
  readonly loaded: () => void;
  readonly verdict: () => Verdict | undefined;
  /** The verdict, if it is a failure that the script told. */
  readonly failure: () => Failure | undefined;
  /** Remembers the stack of what was thrown, for a value that brings none. */
  readonly thrownAt: (backtrace: string) => void;
  /** Adds what is not part of the answer, but should be known. */
  readonly remark: (pointer: string, reason: string) => void;
  readonly said: () => SaidWhileLoading;
  /** Where the first promise was rejected that nobody handled. */
  readonly rejection: () => Thrown | undefined;
  readonly report: () => Pick<
    RunReport,
    'effects' | 'dropped' | 'state' | 'returned' | 'prints' | 'printsDropped' | 'asked'
  >;
};

/** Calls that give the same in every run: a top level that makes no others loads once. */
const SAME_IN_EVERY_RUN: ReadonlySet<number> = new Set([OPS.print, OPS.ship, OPS.note, OPS.failed, OPS.rejected]);

/** What a call that differs from run to run throws while a script loads for all its runs. */
export class DiffersByRun extends Error {
  override readonly name = 'DiffersByRun';
}

/** A run's calls; without a job, those of loading for all runs. */
export const createHostCalls = (
  job: (Run & GivenEvent) | undefined,
  limits: Limits,
  ask: AskQuestion,
  said: SaidWhileLoading = { prints: [], printsDropped: 0, dropped: [], calls: 0 },
): HostCalls => {
  const longestValue = Math.max(limits.state, limits.result);
  let { calls, printsDropped } = said;
  let loading = true;
  let verdict: Verdict | undefined;
  let state: string | undefined;
  let returned: string | undefined;
  let resultBytes = 0;
  let postBytes = 0;
  let skeletonParts: string[] = [];
  let backtrace = '';
  let rejection: Thrown | undefined;
  const effects: string[] = [];
  const dropped: Remark[] = [...said.dropped];
  const halves: { dropped: string | undefined; note: string | undefined } = { dropped: undefined, note: undefined };
  const prints: string[] = [...said.prints];
  const asked = new Set<Question>();
  let fleet: Readonly<Record<string, readonly string[]>> | undefined;

  const theJob = (): Run & GivenEvent => {
    if (job === undefined) throw new DiffersByRun('this differs from run to run');
    return job;
  };

  /** From what came along, or from the host's thread, while the clock of the deadline stands. */
  const fetch = (question: Question, range?: PostRange): string => {
    asked.add(question);
    const known = question === 'state' || question === 'fleet' ? theJob().known[question] : undefined;
    return known ?? ask(question, range);
  };

  const theFleet = (): Readonly<Record<string, readonly string[]>> => {
    fleet ??= JSON.parse(fetch('fleet')) as Record<string, readonly string[]>;
    return fleet;
  };

  const within = (text: string): string => {
    resultBytes += text.length;
    if (resultBytes <= limits.result) return text;
    verdict = failed('malformed', `what the script returned is larger than ${limits.result} bytes`);
    throw new GuestError('the result is too large');
  };

  const counted = (): void => {
    if (++calls > limits.hostCalls) throw new GuestError('too many calls of library functions');
  };

  /** What was thrown and its causes: message, stack and class names, one after the other. */
  const thrown = (text: string): Thrown[] => {
    const parts = (JSON.parse(text) as unknown[]).map((part) => String(part).slice(0, LONGEST_TEXT));
    const all: Thrown[] = [];
    for (let at = 0; at + 2 < parts.length; at += 3) {
      const [message = '', stack = '', classes = ''] = parts.slice(at, at + 3);
      const own = stackFrames(stack, classes.split('\n').filter(Boolean));
      all.push({ message, stack: own.length > 0 || at > 0 ? own : stackFrames(backtrace) });
    }
    return all;
  };

  const tell = (text: string): void => {
    const [what, ...causes] = thrown(text);
    if (what === undefined) throw new GuestError('a failure has a message');
    const ranOut = /^InternalError: out of memory/.test(what.message);
    const failure = ranOut ? 'memory' : loading ? 'load' : 'threw';
    verdict ??= { kind: 'failed', failure, ...what, causes };
  };

  const questions: Readonly<Record<number, (text: string) => ReturnType<HostCall>>> = {
    [OPS.state]: () => ({ json: state ?? fetch('state') }),
    [OPS.setState]: (text) => {
      if (Buffer.byteLength(text) > limits.state)
        throw new GuestError(`the state is larger than ${limits.state} bytes`);
      state = text;
      return undefined;
    },
    [OPS.print]: (text) => {
      if (prints.length < limits.prints) prints.push(text.slice(0, limits.printLength));
      else printsDropped++;
      return undefined;
    },
    [OPS.bowl]: () => ({ json: theJob().bowl }),
    [OPS.seed]: () => ({ json: JSON.stringify(seedWords(theJob().seed)) }),
    [OPS.members]: () => ({ json: JSON.stringify(Object.keys(theFleet())) }),
    [OPS.roles]: (text) => {
      const ship = shipFromArgument(text);
      const roles = ship !== null && Object.hasOwn(theFleet(), ship) ? theFleet()[ship] : undefined;
      return { json: JSON.stringify(roles ?? []) };
    },
    [OPS.ship]: (text) => ({ json: JSON.stringify(shipFromArgument(text)) }),
    [OPS.postCount]: () => ({ json: fetch('postCount') }),
    [OPS.posts]: (text) => {
      if (postBytes > limits.posts) throw new GuestError(`more than ${limits.posts} bytes of messages were read`);
      const [start, end, from] = text.split(' ');
      const range: PostRange = { start: Number(start), end: Number(end), from: from === 'end' ? 'end' : 'start' };
      const json = fetch('posts', range);
      postBytes += Buffer.byteLength(json);
      return { json };
    },
    [OPS.uniqueTime]: (text) => {
      const { now, seed, hasOwnIds } = theJob();
      const ms = now + Number(text);
      const id = idFromMillis(ms) + (hasOwnIds ? partOfMillisecond(seed) : 0n);
      return { json: JSON.stringify({ ms, dotted: withDots(id), plain: String(id) }) };
    },
  };

  /** A failure stands, whatever the script says after it. */
  const decide = (next: Verdict): void => {
    if (verdict?.kind !== 'failed') verdict = next;
  };

  /** Pointers and reasons come one after the other. */
  const remarkHalf = (kind: 'dropped' | 'note', text: string): void => {
    const pointer = halves[kind];
    halves[kind] = pointer === undefined ? text : undefined;
    if (pointer !== undefined) dropped.push([pointer, text]);
  };

  const statements: Readonly<Record<number, (text: string) => void>> = {
    [OPS.denied]: (text) => {
      const reason: unknown = JSON.parse(text);
      decide({ kind: 'denied', reason: typeof reason === 'string' ? reason.slice(0, LONGEST_TEXT) : null });
    },
    [OPS.allowedSame]: () => {
      decide({ kind: 'same' });
    },
    [OPS.allowedPart]: (text) => {
      skeletonParts.push(within(text));
    },
    [OPS.allowedSkeleton]: (text) => {
      const parts: [number, string][] = [];
      for (let at = 0; at + 1 < skeletonParts.length; at += 2) {
        parts.push([Number(skeletonParts[at]), skeletonParts[at + 1] as string]);
      }
      decide({ kind: 'pieces', skeleton: within(text), parts });
    },
    [OPS.allowedWhole]: (text) => {
      decide({ kind: 'whole', json: within(text) });
    },
    [OPS.effect]: (text) => {
      effects.push(within(text));
    },
    [OPS.returned]: (text) => {
      if (text.length <= limits.result) returned = text;
    },
    [OPS.dropped]: (text) => remarkHalf('dropped', text),
    [OPS.note]: (text) => remarkHalf('note', text.slice(0, LONGEST_TEXT)),
    [OPS.malformed]: (text) => decide(failed('malformed', text)),
    [OPS.noHook]: (text) => decide(failed('load', text)),
    [OPS.failed]: tell,
    [OPS.rejected]: (text) => {
      const [what] = thrown(text);
      if (what === undefined) return;
      rejection ??= what;
      const line = what.stack[0]?.line;
      const place = line === undefined ? '' : `, at line ${line}`;
      dropped.push(['/promises', `a promise was rejected and nobody handled it: ${what.message}${place}`]);
    },
  };

  const answer: HostCall = (op, given, value) => {
    if (job === undefined && !SAME_IN_EVERY_RUN.has(op)) throw new DiffersByRun('this differs from run to run');
    // The event and its parts cost the script nothing: they are how it was called.
    if (op === OPS.event) return { json: theJob().head };
    if (op === OPS.part) return { json: theJob().parts[Number(given)] ?? 'null', keepAs: Number(given) };
    if (op === OPS.isUnchanged) return value?.looksAsKept(Number(given)) === true ? true : undefined;
    // A value that cannot be read from outside is asked for again, as text.
    const text = value === undefined ? given : value.json(op !== OPS.setState);
    if (text === undefined) return undefined;
    // What the engine wrote is as it must be; what the script had a hand in may not be. Too large a
    // text is rejected anyway.
    if (value === undefined && VALUES.has(op) && text.length <= longestValue && !isReadable(text)) {
      throw new GuestError('the value cannot be written as JSON');
    }
    const question = questions[op];
    if (question !== undefined) {
      counted();
      return question(text) ?? (value === undefined ? undefined : true);
    }
    statements[op]?.(text);
    return value === undefined ? undefined : true;
  };

  return {
    answer,
    loaded: () => {
      loading = false;
      skeletonParts = [];
    },
    verdict: () => verdict,
    failure: () => (verdict?.kind === 'failed' ? verdict : undefined),
    thrownAt: (text) => {
      backtrace = text;
    },
    remark: (pointer, reason) => dropped.push([pointer, reason]),
    said: () => ({ prints, printsDropped, dropped, calls }),
    rejection: () => rejection,
    report: () => ({ effects, dropped, state, returned, prints, printsDropped, asked: [...asked] }),
  };
};

/** A failure without a place of its own. */
export const failed = (failure: FailureKind, message: string, stack: Thrown['stack'] = []): Failure => ({
  kind: 'failed',
  failure,
  message,
  stack,
  causes: [],
});

/** More than a message or a stack of ours ever has, in characters. */
const LONGEST_TEXT = 10_000;

/** Calls that carry a value as JSON. */
const VALUES: ReadonlySet<number> = new Set([
  OPS.setState,
  OPS.effect,
  OPS.allowedSkeleton,
  OPS.allowedPart,
  OPS.allowedWhole,
]);

/**
 * Deeper than what the guest's own check lets pass; less than what hurts a recursion on the host's
 * side.
 */
const DEEPEST = 300;

/**
 * A getter or a Proxy can show one value to the guest's check and another to its JSON.stringify.
 */
const isReadable = (json: string): boolean => {
  try {
    JSON.parse(json);
  } catch {
    return false;
  }
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case QUOTE:
        for (at++; json.charCodeAt(at) !== QUOTE; at++) if (json.charCodeAt(at) === BACKSLASH) at++;
        break;
      case OPEN_BRACKET:
      case OPEN_BRACE:
        if (++depth > DEEPEST) return false;
        break;
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        depth--;
    }
  }
  return true;
};

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * The guest sends a ship as JSON: a text in quotes, or digits, which may be more than a double
 * holds.
 */
const shipFromArgument = (json: string): string | null =>
  json.startsWith('"') ? normalizeShip(JSON.parse(json)) : shipFromJson(json);

/** To be added to an id: less than half a millisecond, which still reads as the same one. */
const partOfMillisecond = (seed: string): bigint =>
  createHash('sha256').update(seed).digest().readBigUInt64LE(16) >> 11n;

/**
 * Four words for the guest's generator. A hash, because neighbouring seeds must not give
 * neighbouring draws.
 */
const seedWords = (seed: string): number[] => {
  const hash = createHash('sha256').update(seed).digest();
  return [0, 4, 8, 12].map((at) => hash.readInt32LE(at));
};
