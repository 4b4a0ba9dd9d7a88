// How long to wait before trying again: twice as long each time, with jitter so that many do not
// come back at once.

export type BackoffSettings = { readonly firstMs: number; readonly longestMs: number };

/**
 * The pause after `failures` earlier failures, in milliseconds: firstMs × 2^failures, at most
 * longestMs, minus up to a quarter of it at random.
 */
export const backoff = (
  failures: number,
  { firstMs, longestMs }: BackoffSettings,
  random: () => number = Math.random,
): number => {
  const whole = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 30));
  return Math.round(whole * (1 - random() / 4));
};
