// A place in the ledger as a token: opaque to callers, and never trusted when it comes back.
import { ApiError } from '../http/api-error.ts';

export type Cursor = { readonly at: number; readonly seq: number };

/** Years 1970 to 9999: what both PostgreSQL and ISO dates of four digits hold. */
const LAST_TIME = 253_402_300_799_999;
const FORM = /^(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,15})$/;

export const writeCursor = ({ at, seq }: Cursor): string => Buffer.from(`${at}.${seq}`).toString('base64url');

/** Throws InputError for anything that `writeCursor` did not write. */
export const readCursor = (token: string): Cursor => {
  const text = token.length <= 64 ? Buffer.from(token, 'base64url').toString('latin1') : '';
  const [, at, seq] = FORM.exec(text) ?? [];
  const cursor = { at: Number(at), seq: Number(seq) };
  // Written again, so that no two tokens mean the same place (base64 decoders overlook much).
  const isOurs = cursor.at <= LAST_TIME && Number.isSafeInteger(cursor.seq) && writeCursor(cursor) === token;
  if (!isOurs) throw new ApiError('InputError', 'Invalid continuation token');
  return cursor;
};
