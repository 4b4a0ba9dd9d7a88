// The id of what is new: the moment at which it came, and later in small steps while that is taken.
import { idFromMillis, STEP } from '../schema/id.ts';

/**
 * In digits; above `newest`, so that the order of ids is the order in which posts came, also when
 * the clock was set back.
 */
export const newPostId = (nowMs: number, newest: string | undefined): string => {
  const id = idFromMillis(nowMs);
  const after = newest === undefined ? id : BigInt(newest) + STEP;
  return String(id > after ? id : after);
};
