// Upper bounds of what a check does with a value: so much once, and so much for each byte of it.

export type Linear = { readonly once: number; readonly perByte: number };

export type Bound = {
  /** Some 10 ns each. `perByte`: of the levels that are looked at one by one. */
  readonly steps: Linear;
  /** Steps for each byte of the value, with all its parts at once. */
  readonly whole: number;
  /** How many levels down that goes. */
  readonly height: number;
  /** Bytes that defaults add. */
  readonly defaults: Linear;
  /** How often, from the value down to any part of it, a schema is met again that is being met. */
  readonly again: number;
  /** The outermost of those schemas, as an index into those that are being met. */
  readonly outermost: number;
};

const NONE: Linear = { once: 0, perByte: 0 };

export const NOTHING: Bound = {
  ...{ steps: NONE, whole: 0, height: 0, defaults: NONE },
  ...{ again: 0, outermost: Number.POSITIVE_INFINITY },
};
/** Not known, so not bounded. */
export const UNBOUNDED: Bound = { ...NOTHING, steps: { once: Number.POSITIVE_INFINITY, perByte: 0 } };

export const steps = (once: number, perByte = 0): Bound => ({ ...NOTHING, steps: { once, perByte } });

export const amountFor = ({ once, perByte }: Linear, bytes: number): number => once + perByte * bytes;

/** All steps with a value of so many bytes. */
export const stepsFor = ({ steps: { once, perByte }, whole }: Bound, bytes: number): number =>
  once + (perByte + whole) * bytes;

/**
 * A function that ends hands its errors to the one that called it, which takes so much of what
 * making them takes.
 */
const HANDED_ON = 1 / 100;

export const called = (bound: Bound): Bound => ({
  ...bound,
  steps: { once: bound.steps.once * (1 + HANDED_ON), perByte: bound.steps.perByte * (1 + HANDED_ON) },
});

const plus = (left: Linear, right: Linear): Linear => ({
  once: left.once + right.once,
  perByte: left.perByte + right.perByte,
});

/** All of them meet the same value. */
export const sum = (bounds: readonly Bound[]): Bound =>
  bounds.reduce(
    (total, one) => ({
      steps: plus(total.steps, one.steps),
      whole: total.whole + one.whole,
      height: Math.max(total.height, one.height),
      defaults: plus(total.defaults, one.defaults),
      again: total.again + one.again,
      outermost: Math.min(total.outermost, one.outermost),
    }),
    NOTHING,
  );

/** Each of them meets another part of the value, once. */
export const apart = (bounds: readonly Bound[]): Bound => {
  const all = sum(bounds);
  const most = (of: (bound: Bound) => number) => Math.max(0, ...bounds.map(of));
  return {
    ...all,
    steps: { once: all.steps.once, perByte: most((one) => one.steps.perByte) },
    whole: most((one) => one.whole),
    height: all.height + 1,
    defaults: { once: all.defaults.once, perByte: most((one) => one.defaults.perByte) },
    again: most((one) => one.again),
  };
};

/** It meets each part of the value, of which each takes at least so many bytes. */
export const each = (leastBytes: number, bound: Bound): Bound => {
  const repeated = ({ once, perByte }: Linear): Linear => ({ once: 0, perByte: once / leastBytes + perByte });
  return {
    ...bound,
    steps: repeated(bound.steps),
    height: bound.height + 1,
    defaults: repeated(bound.defaults),
  };
};

/**
 * It meets the value and, again and again, parts of it. When it meets no part twice, these are at
 * most (bytes + 1) / 2, each part is within reach of as many of them as the bound is high, and a
 * byte is in as many as there are levels. Else they may be twice as many with each level.
 */
export const recursive = (bound: Bound, index: number, mostBytes: number): Bound => {
  if (bound.again === 0) return bound;
  // A default within would be filled in on each level, also without end.
  if (bound.again > 1 || amountFor(bound.defaults, 1) > 0) return UNBOUNDED;
  const { once, perByte } = bound.steps;
  const levels = mostBytes / 2 + 1;
  const handing = 1 + HANDED_ON * levels;
  return {
    ...bound,
    steps: { once: once * handing, perByte: (once / 2 + perByte * (bound.height + 1)) * handing },
    whole: bound.whole * levels,
    height: levels,
    again: bound.outermost < index ? 1 : 0,
  };
};
