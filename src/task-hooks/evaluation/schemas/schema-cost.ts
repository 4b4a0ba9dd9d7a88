// What a trigger schema costs the thread that uses it, as far as it can be said before: compiling
// it, and checking a payload, which depends on the size of that.
import { amountFor, stepsFor } from './bound.ts';
import { boundChecks } from './check-bound.ts';

export type SchemaCost = {
  /** In bytes, as JSON. Checking one takes some 10 ms, at most. */
  readonly largestPayload: () => number;
  /** How large defaults make a payload of so many bytes, at most. */
  readonly withDefaults: (payloadBytes: number) => number;
};

/** Characters, most of which are descriptions or names. */
const LARGEST_SCHEMA_HERE = 64 * 1024;
/** Where they are most expensive, compiling takes some 15 ms. */
const MOST_KEYWORDS_HERE = 300;
/** Of all patterns of a schema together, in instructions: some 3 ms to compile. */
const LARGEST_PROGRAMS_HERE = 2_000;
/** Also of definitions that nothing refers to: the schema of schemas takes some 1.5 µs of each. */
const MOST_VALUES_HERE = 5_000;
/**
 * Each `$ref`, `$id` and `$anchor` is made a URL with the `$id` around it, in time that grows with
 * the length of that: 52 KB took more than a minute. Characters of all `$id` × such names: 5 ms.
 */
const MOST_NAMING_HERE = 16 * 1024;
/** Of some 10 ns each. */
const MOST_STEPS_HERE = 1024 * 1024;
/** Of any check, and of copying what is checked. */
const STEPS_PER_BYTE = 5;

/**
 * Of a schema that may be compiled on the main thread; undefined for any that is not known to
 * compile quickly.
 */
export const costOfSchema = (schema: unknown): SchemaCost | undefined => {
  if (JSON.stringify(schema).length > LARGEST_SCHEMA_HERE || !isReadQuickly(schema)) return undefined;
  const boundFor = boundChecks(schema, { keywords: MOST_KEYWORDS_HERE, instructions: LARGEST_PROGRAMS_HERE });
  const bound = boundFor(0);
  if (!(stepsFor(bound, 1) <= MOST_STEPS_HERE)) return undefined;
  const withDefaults = (payloadBytes: number) => payloadBytes + amountFor(bound.defaults, payloadBytes);
  const isCheap = (payloadBytes: number) => {
    const bytes = withDefaults(payloadBytes);
    return stepsFor(boundFor(bytes), bytes) + STEPS_PER_BYTE * bytes <= MOST_STEPS_HERE;
  };
  let largest: number | undefined;
  return {
    withDefaults,
    largestPayload: () => {
      largest ??= largestBelow(MOST_STEPS_HERE / STEPS_PER_BYTE, isCheap);
      return largest;
    },
  };
};

const NAMING = new Set(['$id', '$anchor', '$dynamicAnchor', '$recursiveAnchor', '$ref']);

/** What the whole document costs, whether a payload meets it or not. */
const isReadQuickly = (schema: unknown): boolean => {
  let [values, names, identifiers] = [0, 0, 0];
  const toSee: unknown[] = [schema];
  while (toSee.length > 0) {
    const value = toSee.pop();
    values += 1;
    if (values + toSee.length > MOST_VALUES_HERE) return false;
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, below] of Object.entries(value)) {
      // Where it leads hangs on the way to it, so all anchors of that name are looked at.
      if (key === '$dynamicRef' || key === '$recursiveRef') return false;
      if (NAMING.has(key)) names += 1;
      if (key === '$id' && typeof below === 'string') identifiers += below.length;
      toSee.push(below);
    }
  }
  return names * identifiers <= MOST_NAMING_HERE;
};

/** To a 64th; -1 when there is none. */
const largestBelow = (limit: number, isCheap: (bytes: number) => boolean): number => {
  if (!isCheap(0)) return -1;
  let [known, unknown] = [0, Math.floor(limit)];
  while (unknown - known > Math.max(16, known / 64)) {
    const middle = Math.floor((known + unknown) / 2);
    if (isCheap(middle)) known = middle;
    else unknown = middle;
  }
  return known;
};
