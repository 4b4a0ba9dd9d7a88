// The kept payloads of many fires as parameters of one statement. They go as one piece of bytes: an
// array of them would be written as hexadecimal text, twice as long.
import { toIso } from '../../core/clock.ts';
import { ofAnyLength } from '../../database/statement.ts';

/** A fire as far as its payload needs to know it. */
export type WithPayload = {
  readonly hookUid: string;
  readonly cause: string | null;
  readonly arrived: number;
  /** Sealed (payloads.ts); absent: not kept. */
  readonly payload?: Buffer | undefined;
};

export const PAYLOAD_COLUMNS = 'at, hook_uid, cause, kept';

/** How many parameters `payloadUnnest` takes. */
export const PAYLOAD_COLUMN_COUNT = 6;

/** Rows `payload` with PAYLOAD_COLUMNS; the parameters from `$first` on are `payloadColumns`. */
export const payloadUnnest = (first: number): string => {
  const [at, hookUid, cause, start, length, bytes] = Array.from({ length: 6 }, (_, index) => `$${first + index}`);
  return `(select piece.at, piece.hook_uid, piece.cause, substring(${bytes}::bytea from piece.start for piece.length) as kept
           from unnest(${ofAnyLength(`${at}::timestamptz[]`)}, ${hookUid}::uuid[], ${cause}::text[], ${start}::int[], ${length}::int[])
                as piece (at, hook_uid, cause, start, length)) as payload`;
};

export const payloadColumns = (fires: readonly WithPayload[]): unknown[] => {
  const kept = fires.filter(hasPayload);
  let end = 1;
  const starts = kept.map(({ payload }) => {
    end += payload.length;
    return end - payload.length;
  });
  return [
    kept.map(({ arrived }) => toIso(arrived)),
    kept.map(({ hookUid }) => hookUid),
    kept.map(({ cause }) => cause),
    starts,
    kept.map(({ payload }) => payload.length),
    Buffer.concat(kept.map(({ payload }) => payload)),
  ];
};

export const hasPayload = <Fire extends WithPayload>(fire: Fire): fire is Fire & { readonly payload: Buffer } =>
  fire.payload !== undefined;
