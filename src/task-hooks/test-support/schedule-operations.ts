// What befalls schedules in schedule-oracle.test.ts: the operations, and how random ones are made.
import fc from 'fast-check';

export const HOOK_IDS = ['a', 'b', 'c'] as const;

/** What the queue does from then on; `chance` is another one each time. */
const QUEUE_MOODS = ['works', '503', 'refuses connections', 'hangs', 'answers get lost', '403', 'chance'] as const;
export type QueueMood = (typeof QUEUE_MOODS)[number];

/** What befalls the next turn that a scheduler takes; it is dead then. */
const CRASHES = ['before the commit', 'after the commit', 'connection terminated'] as const;
export type Crash = (typeof CRASHES)[number];

export type HookChange =
  | { readonly do: 'save'; readonly hookId: string; readonly schedule: readonly string[]; readonly isHeavy: boolean }
  | { readonly do: 'remove' | 'reset token'; readonly hookId: string };

export type Operation =
  | HookChange
  /** The wall clock is set, and the change is made while schedulers find that out. */
  | { readonly do: 'race'; readonly ms: number; readonly change: HookChange }
  | { readonly do: 'pass'; readonly seconds: number }
  | { readonly do: 'jump'; readonly ms: number }
  | { readonly do: 'stop' | 'start'; readonly server: number }
  | { readonly do: 'crash'; readonly how: Crash }
  | { readonly do: 'lose connections' }
  | { readonly do: 'queue'; readonly mood: QueueMood }
  | { readonly do: 'busy'; readonly isBusy: boolean }
  /** Each of the next statements of transactions takes so long. */
  | { readonly do: 'slow'; readonly statements: number; readonly ms: number };

const YEAR = 365 * 24 * 3_600_000;

const schedule = fc.uniqueArray(
  fc.constantFrom(
    '* * * * * *', // more often than others: something may then come due in the middle of everything
    '* * * * * *',
    '* * * * * *',
    '*/7 * * * * *',
    '*/20 * * * * *',
    '3,4,50 * * * * *',
    '0 * * * * *',
    '* * * * *',
    '30 */2 * * * *',
    '0 */6 * * *',
    '15 30 4 * * 2',
    '10 0 13 * * *',
  ),
  { maxLength: 3 },
);
const hookId = fc.constantFrom(...HOOK_IDS);
const save = fc.record({ do: fc.constant('save' as const), hookId, schedule, isHeavy: fc.boolean() });
const change: fc.Arbitrary<HookChange> = fc.oneof(
  { weight: 5, arbitrary: save },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), hookId }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reset token' as const), hookId }) },
);
const ms = fc.oneof(
  fc.integer({ min: 1, max: 90_000 }),
  fc.integer({ min: -60_000, max: -1 }),
  fc.integer({ min: 600_000, max: 1_000_000 }),
  fc.constantFrom(YEAR, -YEAR, 86_400_000),
);
const server = fc.integer({ min: 0, max: 1 });

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: change },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('race' as const), ms: fc.integer({ min: 1, max: 90_000 }), change }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('jump' as const), ms }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stop' as const), server }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('start' as const), server }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('crash' as const), how: fc.constantFrom(...CRASHES) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'lose connections' as const }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('queue' as const), mood: fc.constantFrom(...QUEUE_MOODS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('busy' as const), isBusy: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('slow' as const),
      statements: fc.integer({ min: 1, max: 20 }),
      ms: fc.integer({ min: 1, max: 700 }),
    }),
  },
);

/**
 * Where the world's clock stands, and where New York sets its clocks back and forward, and where a
 * month and a year end.
 */
const WORLD_BEGINS = Date.UTC(2026, 10, 20, 12);
const beginning = fc
  .constantFrom(
    WORLD_BEGINS,
    Date.UTC(2026, 10, 1, 5, 59, 20),
    Date.UTC(2027, 2, 14, 6, 59, 20),
    Date.UTC(2028, 1, 28, 23, 59, 20),
    Date.UTC(2026, 11, 31, 23, 59, 20),
  )
  .map((at) => ({ do: 'jump' as const, ms: at - WORLD_BEGINS }));

/** Begins with hooks, for there to be something to befall. */
export const operations: fc.Arbitrary<readonly Operation[]> = fc
  .tuple(
    beginning,
    fc.array(save, { minLength: 1, maxLength: 3 }),
    fc.array(operation, { minLength: 15, maxLength: 30 }),
  )
  .map(([begin, saves, more]) => [begin, ...saves, ...more]);
