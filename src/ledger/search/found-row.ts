// An entry among many: without the whole of a long reason, so that a page of them stays small.
import type { LedgerRow } from '../entry.ts';
import { fromRow, type RawRow } from '../read.ts';

/** `error` is null where it is long; `beginning` is that of its JSON. */
export type FoundRow = LedgerRow & { readonly beginning: string | null };

export type FoundRaw = RawRow & { readonly beginning: string | null };

/** Characters of a reason that are told, and looked through. */
export const LONGEST_BEGINNING = 1_200;
const LONGEST_ERROR_BYTES = 4_096;

export const FOUND_COLUMNS = `at, seq, kind, outcome, hook_uid, hook_group_id, hook_id, hook_revision, cause, fired_by, task_id, arrived,
       attempts, client_id, request_id, payload_hash, detail,
       case when octet_length(error::text) <= ${LONGEST_ERROR_BYTES} then error end as error,
       left(error::text, ${LONGEST_BEGINNING}) as beginning`;

export const foundRow = (row: FoundRaw): FoundRow => ({ ...fromRow(row), beginning: row.beginning });
