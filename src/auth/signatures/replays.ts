// Which signatures were used already. Taskcluster does not look: who overhears a request there can
// send it again for 15 minutes. What this process saw is remembered for as long as it could come
// again, by the time that was signed; no number of other requests makes it forgotten.
import { hash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { createNumberSet, type NumberSet } from './number-set.ts';

export type Replays = {
  /**
   * Records a use by this request. Answers what is wrong with it: the signature was used before, or
   * its time is too far off for that to be known.
   */
  readonly use: (request: object, claims: SignatureClaims) => ReplayProblem | undefined;
  /**
   * Lets the signature be used once more, if it was this very request that used it: one that only
   * shows it may be anybody's.
   */
  readonly forgive: (request: object) => void;
};

export type ReplayProblem = 'Invalid nonce' | 'Stale timestamp';

/** What makes a signature one of its own. */
export type SignatureClaims = { readonly id: string; readonly nonce: string; readonly ts: string };

/**
 * How far the clock of a signer may be off, to either side. Certificates and bewits have times of
 * their own.
 */
export const CLOCK_SKEW_MS = 15 * 60 * 1000;
/** The same for a while after REPLAYS_KEPT. */
const NARROW_SKEW_MS = 60 * 1000;
/** At once; 32 to 64 MB. With more, the skew is narrowed for a while, and older ones are let go. */
export const REPLAYS_KEPT = 2_000_000;
/** Those whose times lie in the same of these are forgotten together. */
const SPAN_MS = 30 * 1000;
/** Somebody else may have looked at the time before us, with another clock. */
const TOLERANCE_MS = 60 * 1000;

export const createReplays = (clock: Clock, most = REPLAYS_KEPT): Replays => {
  /** By the number of their span. */
  const spans = new Map<number, NumberSet>();
  const usedBy = new WeakMap<object, { readonly span: number; readonly key: number }>();
  let narrowUntil = Number.NEGATIVE_INFINITY;

  const forgetBefore = (ms: number) => {
    for (const span of spans.keys()) if ((span + 1) * SPAN_MS < ms) spans.delete(span);
  };
  const spanOf = (number: number, now: number): NumberSet => {
    const known = spans.get(number);
    if (known) return known;
    forgetBefore(now - CLOCK_SKEW_MS - TOLERANCE_MS);
    const span = createNumberSet();
    spans.set(number, span);
    return span;
  };
  /** What is forgotten here could come again only while it is too far off to be taken. */
  const narrow = (now: number) => {
    narrowUntil = now + CLOCK_SKEW_MS;
    forgetBefore(now - NARROW_SKEW_MS - TOLERANCE_MS);
  };
  let count = 0;
  const countAll = () => [...spans.values()].reduce((sum, span) => sum + span.size(), 0);

  return {
    use: (request, claims) => {
      const [at, now] = [Number(claims.ts) * 1000, clock.now()];
      const skewMs = now < narrowUntil ? NARROW_SKEW_MS : CLOCK_SKEW_MS + TOLERANCE_MS;
      if (!(Math.abs(at - now) <= skewMs)) return 'Stale timestamp';
      const use = { span: Math.floor(at / SPAN_MS), key: keyOf(claims) };
      if (!spanOf(use.span, now).add(use.key)) return 'Invalid nonce';
      usedBy.set(request, use);
      count += 1;
      if (count > most) {
        count = countAll();
        if (count > most) narrow(now);
      }
      return undefined;
    },
    forgive: (request) => {
      const use = usedBy.get(request);
      if (use) spans.get(use.span)?.delete(use.key);
      usedBy.delete(request);
    },
  };
};

/** Of 16 values each, as many as a number holds exactly. */
const DIGITS = 13;

/** Quotation marks stand in no attribute of a Hawk header, so no two triples make the same text. */
const keyOf = ({ id, nonce, ts }: SignatureClaims): number =>
  Number.parseInt(hash('sha256', `${id}"${nonce}"${ts}`, 'hex').slice(0, DIGITS), 16) + 1;
