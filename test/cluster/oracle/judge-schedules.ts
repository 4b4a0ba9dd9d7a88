// Schedules: every second from the first to the last is there once, as a fire or among those that a
// row says were missed.
import type { Schedule } from './events.ts';
import type { Evidence, Row } from './oracle.ts';

const SECOND = 1_000;

export const judgeSchedules = ({ events: { schedules }, ledger, tasks }: Evidence): string[] => {
  const definitions = new Map(tasks.map(({ taskId, definition }) => [taskId, definition]));
  return schedules.flatMap((schedule) => {
    const rows = ledger.filter(({ hookId, firedBy }) => hookId === schedule.hookId && firedBy === 'schedule');
    return [...judgeCover(schedule, rows.map(coverOf)), ...judgeDates(rows, definitions)].map(
      (problem) => `${schedule.hookId}: ${problem}`,
    );
  });
};

/** Beyond it a row says "at least". */
const MOST_COUNTED = 1_000;

type Cover = { readonly first: number; readonly last: number; readonly count: number };

const coverOf = ({ outcome, arrived, detail }: Row): Cover =>
  outcome === 'missed'
    ? { first: Date.parse(detail.first), last: Date.parse(detail.last), count: detail.count }
    : { first: arrived, last: arrived, count: 1 };

const judgeCover = ({ begun, ended }: Schedule, all: readonly Cover[]): string[] => {
  const problems: string[] = [];
  const covers = all.toSorted((a, b) => a.first - b.first);
  const first = covers[0]?.first;
  if (first === undefined) return ['nothing fired'];
  if (first <= begun.from || first > begun.to + SECOND) {
    problems.push(`the first second is ${iso(first)}, and it was made between ${iso(begun.from)} and ${iso(begun.to)}`);
  }
  let next = first;
  for (const cover of covers) {
    if (cover.first > next) problems.push(`${iso(next)} to ${iso(cover.first - SECOND)} is lost`);
    if (cover.first < next) problems.push(`${iso(cover.first)} is there twice`);
    if (cover.count !== Math.min((cover.last - cover.first) / SECOND + 1, MOST_COUNTED)) {
      problems.push(`from ${iso(cover.first)} to ${iso(cover.last)} it counts ${cover.count}`);
    }
    next = Math.max(next, cover.last + SECOND);
  }
  // A second that came while the schedule was ended may have fired or not.
  if (next <= ended.from)
    problems.push(`the last second is ${iso(next - SECOND)}, and it was ended at ${iso(ended.from)}`);
  if (next - SECOND > ended.to) problems.push(`${iso(next - SECOND)} fired, and it was ended at ${iso(ended.to)}`);
  return problems;
};

/** Nothing here is ten minutes late: the scheduled date is when the task says it was made. */
const judgeDates = (
  rows: readonly Row[],
  definitions: ReadonlyMap<string, Evidence['tasks'][number]['definition']>,
): string[] =>
  rows.flatMap(({ taskId, arrived }) => {
    const definition = taskId === null ? undefined : definitions.get(taskId);
    if (!definition || (definition.created === iso(arrived) && definition.payload.at === iso(arrived))) return [];
    return [
      `the task ${taskId} of ${iso(arrived)} says that it is of ${definition.created} and ${definition.payload.at}`,
    ];
  });

const iso = (ms: number): string => new Date(ms).toISOString();
