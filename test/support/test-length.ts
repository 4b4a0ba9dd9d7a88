// How long the random tests run: a fifth of their length, unless the environment asks for more.
// HOOKWRIGHT_TEST_LENGTH=full is their whole length (`.ci/run`), a number is a multiple of it.

const LENGTH_VARIABLE = 'HOOKWRIGHT_TEST_LENGTH';
const SHORT = 0.2;

const readLength = (text = ''): number => {
  if (text === '') return SHORT;
  const length = text === 'full' ? 1 : Number(text);
  if (length > 0 && length < Number.POSITIVE_INFINITY) return length;
  throw new Error(`${LENGTH_VARIABLE} is "${text}"; it is to be "full" or a number above 0, such as 0.5 or 10`);
};

const length = readLength(process.env[LENGTH_VARIABLE]);

/** What of `full` rounds (kills, runs of a property) this run makes. At least one. */
export const roundsOf = (full: number): number => Math.max(1, Math.round(full * length));

/** How to repeat a run of this length: to be put before a command. */
export const REPEAT_LENGTH = `${LENGTH_VARIABLE}=${length}`;
