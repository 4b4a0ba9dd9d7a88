// One run's side of the calls between script and host: answers the script's questions, and writes
// down what it says.
import { createHash } from 'node:crypto';
import { idFromMillis, withDots } from '../../community/types/id.ts';
import { normalizeShip, shipFromJson } from '../../community/types/ship.ts';
import { OPS } from '../guest/ops.ts';
import type { Limits } from '../limits.ts';
import type { FailureKind, Question, RunJob, RunReport, Verdict } from '../sandbox/worker-protocol.ts';
import { sourcePlace } from '../source-place.ts';
import type { AskHost } from './runner.ts';
import { GuestError, type HostCall, type Vm } from './vm.ts';

export type HostCalls = {
  readonly answer: HostCall;
  /**
   * How many calls there were: a script that made none while loading loads the same way every time.
   */
  readonly calls: () => number;
  /** Says that loading is over: what throws from now on is the hook. */
  readonly loaded: () => void;
  readonly verdict: () => Verdict | undefined;
  /** The verdict, if it is a failure that the script told. */
  readonly failure: () => Verdict | undefined;
  readonly report: () => Pick<
    RunReport,
    'kind' | 'effects' | 'dropped' | 'state' | 'prints' | 'printsDropped' | 'asked'
  >;
};

export const createHostCalls = (job: RunJob, limits: Limits, ask: AskHost, vm: Vm): HostCalls => {
  const longestValue = Math.max(limits.state, limits.result);
  let calls = 0;
  let loading = true;
  let verdict: Verdict | undefined;
  let state: string | undefined;
  let printsDropped = 0;
  let resultBytes = 0;
  let skeletonParts: string[] = [];
  const effects: string[] = [];
  const dropped: string[] = [];
  const prints: string[] = [];
  const asked = new Set<Question>();
  let fleet: Readonly<Record<string, readonly string[]>> | undefined;

  /**
   * From what came along, or from the host's thread; the clock of the deadline stands while we
   * wait.
   */
  const fetch = (question: Question, argument = 0): string => {
    asked.add(question);
    const known = question === 'state' || question === 'fleet' ? job.known[question] : undefined;
    if (known !== undefined) return known;
    const { json, waitedMs } = ask(question, argument);
    vm.run.deadline += waitedMs;
    return json;
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

  const failed = (failure: FailureKind, message: string, stack = ''): Verdict => {
    const place = sourcePlace(stack);
    return { kind: 'failed', failure, message, line: place?.line, column: place?.column };
  };

  const tell = (text: string): void => {
    const [message, stack, when] = (JSON.parse(text) as unknown[]).map((part) => String(part).slice(0, LONGEST_TEXT));
    if (message === undefined) throw new GuestError('a failure has a message');
    const ranOut = /^InternalError: out of memory/.test(message);
    verdict ??= failed(ranOut ? 'memory' : loading || when === 'load' ? 'load' : 'threw', message, stack);
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
    [OPS.bowl]: () => ({ json: job.bowl }),
    [OPS.seed]: () => ({ json: JSON.stringify(seedWords(job.seed)) }),
    [OPS.members]: () => ({ json: JSON.stringify(Object.keys(theFleet())) }),
    [OPS.roles]: (text) => {
      const ship = shipFromArgument(text);
      const roles = ship !== null && Object.hasOwn(theFleet(), ship) ? theFleet()[ship] : undefined;
      return { json: JSON.stringify(roles ?? []) };
    },
    [OPS.ship]: (text) => ({ json: JSON.stringify(shipFromArgument(text)) }),
    [OPS.postCount]: () => ({ json: fetch('postCount') }),
    [OPS.postPage]: (text) => ({ json: fetch('postPage', Number(text)) }),
    [OPS.uniqueTime]: (text) => {
      const ms = job.now + Number(text);
      const id = idFromMillis(ms);
      return { json: JSON.stringify({ ms, dotted: withDots(id), plain: String(id) }) };
    },
  };

  /** A failure stands, whatever the script says after it. */
  const settle = (next: Verdict): void => {
    if (verdict?.kind !== 'failed') verdict = next;
  };

  const statements: Readonly<Record<number, (text: string) => void>> = {
    [OPS.denied]: (text) => {
      const reason: unknown = JSON.parse(text);
      settle({ kind: 'denied', reason: typeof reason === 'string' ? reason.slice(0, LONGEST_TEXT) : null });
    },
    [OPS.allowedSame]: () => {
      settle({ kind: 'same' });
    },
    [OPS.allowedPart]: (text) => {
      skeletonParts.push(within(text));
    },
    [OPS.allowedSkeleton]: (text) => {
      const parts: [number, string][] = [];
      for (let at = 0; at + 1 < skeletonParts.length; at += 2) {
        parts.push([Number(skeletonParts[at]), skeletonParts[at + 1] as string]);
      }
      settle({ kind: 'pieces', skeleton: within(text), parts });
    },
    [OPS.allowedWhole]: (text) => {
      settle({ kind: 'whole', json: within(text) });
    },
    [OPS.effect]: (text) => {
      effects.push(within(text));
    },
    [OPS.dropped]: (text) => {
      dropped.push(text);
    },
    [OPS.malformed]: (text) => {
      settle(failed('malformed', text));
    },
    [OPS.failed]: tell,
  };

  const answer: HostCall = (op, given, value) => {
    // The event and its parts cost the script nothing: they are how it was called.
    if (op === OPS.event) return { json: job.head };
    if (op === OPS.part) return { json: job.parts[Number(given)] ?? 'null', keepAs: Number(given) };
    if (op === OPS.isUnchanged) return value?.looksAsKept(Number(given)) === true ? true : undefined;
    // A value that cannot be read from outside is asked for again, as text.
    const text = value === undefined ? given : value.json();
    if (text === undefined) return undefined;
    // What the engine wrote is as it must be; what the script had a hand in may not be. Too large a
    // text is refused anyway.
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
    calls: () => calls,
    loaded: () => {
      loading = false;
      skeletonParts = [];
    },
    verdict: () => verdict,
    failure: () => (verdict?.kind === 'failed' ? verdict : undefined),
    report: () => ({
      kind: 'run',
      effects,
      dropped: pairs(dropped),
      state,
      prints,
      printsDropped,
      asked: [...asked],
    }),
  };
};

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

const pairs = (items: readonly string[]): [string, string][] =>
  items.flatMap((item, index) => (index % 2 === 0 ? [[item, items[index + 1] ?? ''] as [string, string]] : []));

/**
 * The guest sends a ship as JSON: a text in quotes, or digits, which may be more than a double
 * holds.
 */
const shipFromArgument = (json: string): string | null =>
  json.startsWith('"') ? normalizeShip(JSON.parse(json)) : shipFromJson(json);

/**
 * Four words for the guest's generator. A hash, because neighbouring seeds must not give
 * neighbouring draws.
 */
const seedWords = (seed: string): number[] => {
  const hash = createHash('sha256').update(seed).digest();
  return [0, 4, 8, 12].map((at) => hash.readInt32LE(at));
};
