// What must have become of the occurrences of each hook, written down in the simplest way. Shares
// no code with the scheduler.
//
//   cover   what tells of occurrences: a fire (of one) or a row `missed` (of all from the first to the last)
//   mark    says in a task which definition it was made from
import { type SimpleSchedule, simpleSchedule } from './simple-schedule.ts';

export type FireCover = {
  readonly kind: 'fire';
  readonly at: number;
  readonly mark: string;
  readonly now: number | undefined;
};
export type MissedCover = {
  readonly kind: 'missed';
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** What the clock said of the scheduler that wrote it. */
  readonly writtenAt: number;
};
export type Cover = FireCover | MissedCover;

/** A change was made at a moment between these two. */
export type Moment = { readonly earliest: number; readonly latest: number };

export type Looked = {
  /** Everything that is due by then has been handled; undefined: nobody was there to do so. */
  readonly handledUntil: number | undefined;
  /** No clock was ahead of this. */
  readonly latestClock: number;
  /** Whoever took a turn since the last look did so when its clock said this or more. */
  readonly turnsSince: number;
};

export type Oracle = {
  readonly created: (uid: string, mark: string, schedule: readonly string[], moment: Moment) => void;
  readonly changed: (uid: string, mark: string, schedule: readonly string[], moment: Moment) => void;
  readonly removed: (uid: string, moment: Moment) => void;
  /** Throws when what came since the last look is not what must have come. */
  readonly look: (covers: ReadonlyMap<string, readonly Cover[]>, looked: Looked) => void;
  readonly count: () => { fires: number; missedRows: number; missed: number };
};

type Definition = { readonly mark: string; readonly schedule: SimpleSchedule };
type State = {
  definition: Definition | undefined;
  /** Occurrences up to here are no more to come; between the two it is not known. */
  after: Moment;
  lastOccurrence: number | undefined;
  change: { readonly to: Definition | undefined; readonly moment: Moment } | undefined;
};

const HOUR = 3_600_000;
const STALE_MS = 600_000;
/** Beyond it a row says "at least". */
const MOST_COUNTED = 1_000;
const isoOf = (ms: number | undefined) => (ms === undefined ? 'never' : new Date(ms).toISOString());
const firstOf = (cover: Cover) => (cover.kind === 'fire' ? cover.at : cover.first);

export const createOracle = (): Oracle => {
  const states = new Map<string, State>();
  const counts = { fires: 0, missedRows: 0, missed: 0 };
  const definitionOf = (mark: string, patterns: readonly string[]) => ({ mark, schedule: simpleSchedule(patterns) });
  const change = (uid: string, to: Definition | undefined, moment: Moment) => {
    const state = states.get(uid);
    if (!state || state.change) throw new Error('one change at a time, of what is there');
    state.change = { to, moment };
  };

  const consume = (state: State, covers: Cover[], { latestClock, turnsSince }: Looked): void => {
    const { mark, schedule } = state.definition as Definition;
    while (covers.length > 0) {
      const [cover, following] = covers as [Cover, Cover | undefined];
      if (fireOf(covers)?.mark !== mark) return;
      covers.shift();
      const first = firstOf(cover);
      const [earliest, latest] = [schedule.next(state.after.earliest), schedule.next(state.after.latest)];
      if (
        earliest === undefined ||
        latest === undefined ||
        first < earliest ||
        first > latest ||
        !schedule.isDate(first)
      ) {
        throw new Error(`expected ${isoOf(earliest)}..${isoOf(latest)}, found ${describe(cover)}`);
      }
      if (cover.kind === 'fire') {
        checkFire(schedule, cover, turnsSince);
        if (cover.at > latestClock) throw new Error(`${describe(cover)} has not come yet`);
        state.after = { earliest: cover.at, latest: cover.at };
        state.lastOccurrence = cover.at;
        counts.fires += 1;
      } else {
        const { last, count, writtenAt } = cover;
        if (!schedule.isDate(last) || count !== Math.min(schedule.count(first, last), MOST_COUNTED)) {
          throw new Error(`${describe(cover)} should count ${schedule.count(first, last)}`);
        }
        if (following?.kind !== 'fire') throw new Error(`no fire follows ${describe(cover)}`);
        const later = schedule.next(following.at) ?? Number.POSITIVE_INFINITY;
        if (later <= writtenAt) throw new Error(`${describe(following)} is not the latest at ${isoOf(writtenAt)}`);
        state.after = { earliest: last, latest: last };
        counts.missedRows += 1;
        counts.missed += count;
      }
    }
  };

  const look = (state: State, covers: readonly Cover[], looked: Looked): void => {
    const left = covers.toSorted((a, b) => firstOf(a) - firstOf(b));
    const { change: made } = state;
    // After a change that follows a wrong clock, the newer covers are the earlier ones.
    if (made?.to) left.sort((a, b) => Number(isOf(left, a, made.to)) - Number(isOf(left, b, made.to)));
    if (state.definition) consume(state, left, looked);
    if (made) {
      const due = state.definition?.schedule.next(state.after.latest);
      if (due !== undefined && due <= made.moment.earliest) throw new Error(`${isoOf(due)} was lost by a change`);
      // What was due before the change and did not fire as the hook was, came after it.
      const latest = Math.min(made.moment.latest, (due ?? Number.POSITIVE_INFINITY) - 1);
      state.definition = made.to;
      state.after = afterChange({ ...made.moment, latest }, state.lastOccurrence);
      // Saved without a schedule it keeps its last date: there is nothing that could begin anew.
      const isScheduled = made.to?.schedule.next(made.moment.latest) !== undefined;
      if (isScheduled && state.lastOccurrence !== undefined && state.lastOccurrence > made.moment.latest + HOUR)
        state.lastOccurrence = undefined;
      state.change = undefined;
      if (state.definition) consume(state, left, looked);
    }
    if (left[0]) throw new Error(`nothing of this kind was to come: ${describe(left[0])} (${fireOf(left)?.mark})`);
    const next = state.definition?.schedule.next(state.after.latest);
    if (looked.handledUntil !== undefined && next !== undefined && next <= looked.handledUntil) {
      throw new Error(`${isoOf(next)} was lost; it is ${isoOf(looked.handledUntil)}`);
    }
  };

  return {
    created: (uid, mark, schedule, moment) => {
      const definition = definitionOf(mark, schedule);
      states.set(uid, { definition, after: moment, lastOccurrence: undefined, change: undefined });
    },
    changed: (uid, mark, schedule, moment) => change(uid, definitionOf(mark, schedule), moment),
    removed: (uid, moment) => change(uid, undefined, moment),
    look: (covers, looked) => {
      for (const uid of covers.keys()) if (!states.has(uid)) throw new Error(`nobody made the hook ${uid}`);
      for (const [uid, state] of states) {
        try {
          look(state, covers.get(uid) ?? [], looked);
        } catch (error) {
          const all = (covers.get(uid) ?? []).map(describe).join('; ');
          throw new Error(`the hook ${uid} (${state.definition?.mark}): ${(error as Error).message}. New: ${all}`, {
            cause: error,
          });
        }
      }
    },
    count: () => ({ ...counts }),
  };
};

/** Saving a hook that has fired at a time that is far ahead makes a new beginning. */
const afterChange = ({ earliest, latest }: Moment, last: number | undefined): Moment =>
  last === undefined || last > latest + HOUR
    ? { earliest, latest: Math.max(earliest, latest) }
    : { earliest: Math.max(earliest, last), latest: Math.max(earliest, latest, last) };

/** Its `now` is the scheduled date, or later when it is more than ten minutes late. */
const checkFire = (schedule: SimpleSchedule, { at, now, mark }: FireCover, turnsSince: number): void => {
  const next = schedule.next(at) ?? Number.POSITIVE_INFINITY;
  if (next <= turnsSince) throw new Error(`${isoOf(at)} fired although ${isoOf(next)} had passed as well`);
  if (now === undefined) return;
  const isStale = now - at > STALE_MS;
  if (now !== at && !isStale) throw new Error(`the fire ${isoOf(at)} of ${mark} says that it is ${isoOf(now)}`);
  if (!isStale && turnsSince - at > STALE_MS) throw new Error(`the fire ${isoOf(at)} is stale, and does not say so`);
};

/** The first of these fires: rows of what was missed belong to the fire after them. */
const fireOf = (covers: readonly Cover[]) => covers.find((cover) => cover.kind === 'fire');
const isOf = (all: readonly Cover[], cover: Cover, definition: Definition | undefined): boolean =>
  fireOf(all.filter((one) => firstOf(one) >= firstOf(cover)))?.mark === definition?.mark;

const describe = (cover: Cover): string =>
  cover.kind === 'fire'
    ? `the fire ${isoOf(cover.at)} of ${cover.mark}`
    : `missed ${cover.count}: ${isoOf(cover.first)}..${isoOf(cover.last)}`;
