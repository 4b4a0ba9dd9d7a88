// What is looked for in the ledger: the same filter for rows that are read, as SQL, and for rows
// that have just been written.
import type { EntryKind, Outcome } from '../entry.ts';
import { type FoundRow, LONGEST_BEGINNING } from './found-row.ts';

/** Which hooks somebody may see, by `group/id`: those named, and those that begin so. */
export type VisibleHooks =
  | 'all'
  | {
      readonly names: readonly string[];
      readonly prefixes: readonly string[];
      /** The same of one. */
      readonly has: (name: string) => boolean;
    };

export type LedgerFilter = {
  readonly visible: VisibleHooks;
  /** `group/id`, with `*` for any characters. */
  readonly hook?: string | undefined;
  readonly kinds?: readonly EntryKind[] | undefined;
  readonly outcomes?: readonly Outcome[] | undefined;
  readonly firedBy?: string | undefined;
  readonly clientId?: string | undefined;
  readonly taskId?: string | undefined;
  readonly cause?: string | undefined;
  readonly requestId?: string | undefined;
  /** In the reason, whatever the case. */
  readonly text?: string | undefined;
};

const NAME = `hook_group_id || '/' || hook_id`;

/**
 * A condition on rows of the ledger; the parameters from `$first` on are what `filterValues`
 * answers.
 */
export const filterCondition = (first: number): string => {
  const [names, prefixes, hook, kinds, outcomes, firedBy, clientId, taskId, cause, requestId, text] = Array.from(
    { length: FILTER_VALUES },
    (_, index) => `$${first + index}`,
  );
  return `(${names}::text[] is null or ${NAME} = any(${names}) or ${NAME} like any(${prefixes}::text[]))
     and (${hook}::text is null or ${NAME} like ${hook})
     and (${kinds}::text[] is null or kind = any(${kinds})) and (${outcomes}::text[] is null or outcome = any(${outcomes}))
     and (${firedBy}::text is null or fired_by = ${firedBy}) and (${clientId}::text is null or client_id = ${clientId})
     and (${taskId}::text is null or task_id = ${taskId}) and (${cause}::text is null or cause = ${cause})
     and (${requestId}::text is null or request_id = ${requestId})
     and (${text}::text is null or strpos(lower(left(error::text, ${LONGEST_BEGINNING})), lower(${text})) > 0)`;
};

/** How many parameters `filterCondition` takes. */
export const FILTER_VALUES = 11;

export const filterValues = (filter: LedgerFilter): unknown[] => {
  const { visible, hook, kinds, outcomes, firedBy, clientId, taskId, cause, requestId, text } = filter;
  const [names, prefixes] = visible === 'all' ? [null, []] : [visible.names, visible.prefixes.map(prefixPattern)];
  return [
    ...[names, prefixes, hook === undefined ? null : globPattern(hook), kinds ?? null, outcomes ?? null],
    ...[firedBy ?? null, clientId ?? null, taskId ?? null, cause ?? null, requestId ?? null],
    text === undefined ? null : asInJson(text),
  ];
};

/** The same of one row. */
export const matches = (filter: LedgerFilter, row: FoundRow): boolean => {
  const { visible, hook, kinds, outcomes, firedBy, clientId, taskId, cause, requestId, text } = filter;
  const name = `${row.hookGroupId}/${row.hookId}`;
  const isOrAny = <T>(wanted: T | undefined, value: T | null) => wanted === undefined || wanted === value;
  return (
    isVisible(visible, name) &&
    (hook === undefined || matchesGlob(hook, name)) &&
    (kinds === undefined || kinds.includes(row.kind)) &&
    (outcomes === undefined || (row.outcome !== null && outcomes.includes(row.outcome))) &&
    isOrAny(firedBy, row.firedBy) &&
    isOrAny(clientId, row.clientId) &&
    isOrAny(taskId, row.taskId) &&
    isOrAny(cause, row.cause) &&
    isOrAny(requestId, row.requestId) &&
    (text === undefined || hasText(row.beginning, text))
  );
};

export const isVisible = (visible: VisibleHooks, name: string): boolean => visible === 'all' || visible.has(name);

const hasText = (beginning: string | null, text: string): boolean =>
  beginning?.toLowerCase().includes(asInJson(text).toLowerCase()) === true;

/** Reasons are stored as JSON, and looked through as they are stored. */
const asInJson = (text: string): string => JSON.stringify(text).slice(1, -1);

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
const prefixPattern = (prefix: string): string => `${escapeLike(prefix)}%`;
const globPattern = (glob: string): string => glob.split('*').map(escapeLike).join('%');

/** In time that grows with the name alone: the first place for each piece is as good as any. */
const matchesGlob = (glob: string, name: string): boolean => {
  const pieces = glob.split('*');
  const [first = '', last = ''] = [pieces[0], pieces.at(-1)];
  if (pieces.length === 1) return glob === name;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= name.length - last.length;
};
