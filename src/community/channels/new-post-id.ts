// The id of what is new: the moment at which it came, and later in small steps while that is taken.
import { idFromMillis } from '../schema/id.ts';

/** 1/65536 of a second. */
const STEP = 2n ** 48n;

/** In digits. `isTaken` is asked of digits too. */
export const newPostId = (nowMs: number, isTaken: (id: string) => boolean): string => {
  let id = idFromMillis(nowMs);
  while (isTaken(String(id))) id += STEP;
  return String(id);
};
