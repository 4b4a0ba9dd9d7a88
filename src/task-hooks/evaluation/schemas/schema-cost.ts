// What checking a payload with a trigger schema costs, as far as it can be said before it is done.
import { programSizeOf } from './safe-pattern.ts';

/** One look at each value with `size` units of work, and `program` for each of its characters. */
export type SchemaCost = {
  /** Of the schema, in characters, and somewhat more where each of many values may be wrong. */
  readonly size: number;
  /** Of its longest pattern, in instructions. */
  readonly program: number;
};

/** Keywords whose cost is at most one look at each value they apply to. */
const LINEAR_KEYWORDS = new Set([
  ...['$schema', '$comment', 'title', 'description', 'default', 'examples', 'type', 'enum', 'const'],
  ...['required', 'additionalProperties', 'minProperties', 'maxProperties', 'items', 'minItems', 'maxItems'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  ...['properties', 'pattern', 'format'],
]);

/**
 * ajv-formats checks these with patterns that cannot backtrack far; the others (`email`, `uri`, …)
 * can.
 */
const LINEAR_FORMATS = new Set(['date-time', 'date', 'time', 'uuid', 'ipv4', 'int32', 'int64', 'float', 'double']);

const DEEPEST_LINEAR_SCHEMA = 50;
/** Larger ones take more than some 20 ms to compile. */
const LARGEST_SCHEMA_HERE = 4 * 1024;
/** An error takes as long as some 30 characters of a schema. */
const EACH_VALUE = 32;
/** Of all patterns of a schema together, in instructions: some 3 ms to compile. */
const LARGEST_PROGRAMS_HERE = 2_000;

/**
 * The cost of a schema that may be compiled and used on the main thread: it compiles quickly, and
 * takes time linear in the payload. undefined for any that is not known to.
 */
export const costOfSchema = (schema: unknown): SchemaCost | undefined => {
  const size = JSON.stringify(schema).length;
  if (size > LARGEST_SCHEMA_HERE) return undefined;
  const found: Found = { patterns: [], looksAtEach: false };
  if (!isLinear(schema, found)) return undefined;
  let [program, sum] = [0, 0];
  for (const pattern of new Set(found.patterns)) {
    const one = programSizeOf(pattern, LARGEST_PROGRAMS_HERE - sum);
    if (one === undefined) return undefined;
    sum += one;
    program = Math.max(program, one);
  }
  return { size: size + (found.looksAtEach ? EACH_VALUE : 0), program };
};

type Found = { readonly patterns: string[]; looksAtEach: boolean };

const isLinear = (schema: unknown, found: Found, depth = 0, isRepeated = false): boolean => {
  if (typeof schema === 'boolean') return true;
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema) || depth > DEEPEST_LINEAR_SCHEMA)
    return false;
  const isLinearBelow = (value: unknown, repeated: boolean) => isLinear(value, found, depth + 1, repeated);
  return Object.entries(schema).every(([keyword, value]) => {
    if (!LINEAR_KEYWORDS.has(keyword)) return false;
    // A default of each of many items would make the payload grow.
    if (keyword === 'default') return !isRepeated;
    if (keyword === 'items' || keyword === 'additionalProperties') {
      if (value !== true && (keyword === 'items' || value !== false)) found.looksAtEach = true;
      return isLinearBelow(value, true);
    }
    if (keyword === 'properties') {
      return isObject(value) && Object.values(value).every((one) => isLinearBelow(one, isRepeated));
    }
    if (keyword === 'format') return LINEAR_FORMATS.has(value as string);
    if (keyword === 'pattern') return typeof value === 'string' && found.patterns.push(value) > 0;
    return true;
  });
};

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
