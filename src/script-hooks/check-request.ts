// Checks what run() is given beside the event: a mistake there would show as a fault of the script.
import { ScriptHookError } from './errors.ts';
import type { Bowl, RunRequest } from './types.ts';

/** The latest time that a Date can hold, in milliseconds. */
const LATEST = 8.64e15;

/** The bowl, and its time in whole milliseconds. Throws HW_SCRIPT_REQUEST. */
export const checkRequest = ({ bowl, seed, deadlineMs }: RunRequest): { readonly bowl: Bowl; readonly now: number } => {
  if (typeof bowl !== 'object' || bowl === null) throw wrong('bowl', 'must be an object');
  const { now } = bowl;
  if (typeof now !== 'number' || !(now >= 0 && now <= LATEST)) {
    throw wrong('bowl.now', `must be a time in milliseconds since 1970, not ${String(now)}`);
  }
  if (typeof bowl.hook !== 'object' || bowl.hook === null) throw wrong('bowl.hook', 'must be {id, name}');
  if (seed !== undefined && typeof seed !== 'string') throw wrong('seed', 'must be a text');
  if (deadlineMs !== undefined && !(deadlineMs > 0 && deadlineMs <= LONGEST_DEADLINE_MS)) {
    throw wrong('deadlineMs', `must be between 0 and ${LONGEST_DEADLINE_MS} milliseconds`);
  }
  return { bowl, now: Math.floor(now) };
};

const LONGEST_DEADLINE_MS = 60_000;

/** An error about one part of the request. */
export const wrong = (what: string, why: string): ScriptHookError =>
  new ScriptHookError('HW_SCRIPT_REQUEST', `${what} ${why}`);
