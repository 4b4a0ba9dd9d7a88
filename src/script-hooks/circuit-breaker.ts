// Repeated offenders are disabled: a script that holds a thread until it is stopped takes it from
// all the others.

import type { FailureKind } from './engine/worker-protocol.ts';
import type { Limits } from './limits.ts';

export type CircuitBreaker = {
  readonly count: (what: FailureKind | 'fine') => void;
  readonly disabled: () => string | null;
  readonly reset: () => void;
};

/**
 * In tenths of a strike. Being stopped from outside costs a thread; a missed deadline only its
 * time.
 */
const PRICE: Readonly<Partial<Record<FailureKind, number>>> = { terminated: 10, deadline: 3, memory: 3 };

export const createCircuitBreaker = (limits: Pick<Limits, 'strikes'>): CircuitBreaker => {
  let tenths = 0;
  let reason: string | null = null;
  return {
    count: (what) => {
      const price = what === 'fine' ? -1 : (PRICE[what] ?? 0);
      tenths = Math.max(0, tenths + price);
      if (reason === null && tenths >= limits.strikes * 10) {
        reason = `disabled after too many runs that had to be stopped, the last as "${what}"`;
      }
    },
    disabled: () => reason,
    reset: () => {
      tenths = 0;
      reason = null;
    },
  };
};
