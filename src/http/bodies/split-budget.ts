// A budget for bodies whose senders nobody knows yet: of all of it, those to one place have a part,
// so that whoever sends slowly there leaves the rest to others.
import type { Clock } from '../../core/clock.ts';
import { type BodyBudget, createBodyBudget, MOST_BODY_BYTES } from './body-budget.ts';

export type SplitBudget = {
  /** That of one place, which is part of the whole. */
  readonly of: (place: string) => BodyBudget;
};

const MOST_OF_ONE_BYTES = MOST_BODY_BYTES / 4;

export const createSplitBudget = (
  clock: Clock,
  mostBytes = MOST_BODY_BYTES,
  mostOfOneBytes = MOST_OF_ONE_BYTES,
): SplitBudget => {
  const whole = createBodyBudget(clock, mostBytes);
  const parts = new Map<string, { readonly budget: BodyBudget; shares: number }>();

  const open = (place: string): ReturnType<BodyBudget['open']> => {
    const part = parts.get(place) ?? { budget: createBodyBudget(clock, mostOfOneBytes), shares: 0 };
    parts.set(place, part);
    part.shares += 1;
    const [ofPart, ofWhole] = [part.budget.open(), whole.open()];
    let isReleased = false;
    return {
      take: (bytes) => {
        const room = ofPart.take(bytes);
        return room ? room.then(() => (isReleased ? undefined : ofWhole.take(bytes))) : ofWhole.take(bytes);
      },
      release: () => {
        if (isReleased) return;
        isReleased = true;
        ofPart.release();
        ofWhole.release();
        part.shares -= 1;
        if (part.shares === 0) parts.delete(place);
      },
    };
  };

  return { of: (place) => ({ open: () => open(place) }) };
};
