// How PostgreSQL's values become JavaScript's, and arrays the other way. Times are numbers
// (milliseconds since the epoch), as everywhere in this program.
import pg from 'pg';

const OID = { bytea: 17, int8: 20, json: 114, timestamptz: 1184 } as const;

const parseInt8 = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit a number`);
  return value;
};

/**
 * `2026-11-20 15:29:17.603+00` → milliseconds. The session's time zone is UTC (connection.ts), so
 * the offset is always +00.
 */
const parseTimestamp = (text: string): number => {
  const ms = Date.parse(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
  if (Number.isNaN(ms)) throw new RangeError(`the database answered the time "${text}"`);
  return ms;
};

/** For pg: `types: columnTypes`. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary') {
      if (oid === OID.int8) return parseInt8;
      if (oid === OID.timestamptz) return parseTimestamp;
    }
    return pg.types.getTypeParser(oid, format as 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};

/**
 * A value as it is to be bound. The driver escapes each text of an array by itself, which takes
 * three times as long; what else there is in arrays, such as bytes, it knows.
 */
export const boundValue = (value: unknown): unknown =>
  Array.isArray(value) && value.every(isPlain) ? arrayText(value) : value;

const isPlain = (item: unknown): boolean =>
  typeof item === 'string' || item === null || typeof item === 'boolean' || Number.isFinite(item);

/** PostgreSQL does not know all of JSON's escapes. */
const arrayText = (items: readonly unknown[]): unknown => {
  const json = JSON.stringify(items);
  return json.includes('\\') ? items : `{${json.slice(1, -1)}}`;
};
