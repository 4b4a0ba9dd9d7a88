// Who holds which hook, while it runs and until the commit is handed in. Turns that ask for the
// same quick hooks while these are busy are a group: they run together when all hooks are free.
import { createLocks } from '../../community/turns/locks.ts';
import type { HookStates } from './hook-states.ts';
import type { Programs } from './programs.ts';
import { QUICK_MS, type RunHooks, type RunsResult, type TurnOfHooks } from './run-hooks.ts';

export type TurnGroups = {
  /**
   * Runs the hooks of a turn. Resolves when the turns before it that share hooks with it have been
   * released: of two such turns one is before the other at each of their hooks, and its commit is
   * handed in first. `release` is always called, once.
   */
  readonly run: (turn: TurnOfHooks, open: OpenStates) => GroupedTurn;
};

export type GroupedTurn = { readonly result: Promise<RunsResult>; readonly release: () => void };

/** Answers how to read states: those in memory, or those that a transaction has locked. */
export type OpenStates = 'in memory' | (() => Promise<HookStates['read']>);

type Group = {
  readonly turns: TurnOfHooks[];
  /** CPU time that it should take. */
  ms: number;
  readonly results: Promise<readonly RunsResult[]>;
  /** Waits for the groups before it; answers how to let those after it go on. */
  readonly place: Promise<() => void>;
  /** Of each turn, when it is released. */
  readonly released: Promise<void>[];
  open: number;
};

export const createTurnGroups = (settings: {
  readonly states: HookStates;
  readonly runHooks: RunHooks;
  readonly programs: Pick<Programs, 'expectedMs'>;
}): TurnGroups => {
  const { states, runHooks, programs } = settings;
  /** Each hook, while it runs. */
  const held = createLocks();
  /** The hooks of a group, until its commits are handed in. */
  const inOrder = createLocks();
  /** Groups that have not begun, by the ids of their hooks. */
  const waiting = new Map<string, Group>();

  const begin = (turn: TurnOfHooks, open: OpenStates, ms: number, key: string): Group => {
    const ids = [...new Set(turn.hooks.map(({ id }) => id))];
    // All are asked for at once: of any two groups, one is before the other everywhere.
    const places = new Map(ids.map((id) => [id, held.take([id])]));
    const place = inOrder.take(ids);
    const turns = [turn];
    const leave = async (id: string): Promise<void> => (await places.get(id))?.();
    const runAll = async (): Promise<readonly RunsResult[]> => {
      try {
        const read = open === 'in memory' ? states.read : await open();
        if (ms <= QUICK_MS) {
          await Promise.all(places.values());
          if (waiting.get(key) === group) waiting.delete(key);
        }
        return await runHooks(turns, {
          take: async (id) => {
            await places.get(id);
            return read(id);
          },
          done: async (change) => {
            states.keep([change]);
            if (turns.length === 1) await leave(change.hook);
          },
        });
      } finally {
        for (const id of ids) void leave(id);
      }
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    const results = promise.then(runAll);
    const group: Group = { turns, ms, results, place, released: [], open: 0 };
    resolve();
    return group;
  };

  const groupOf = (turn: TurnOfHooks, open: OpenStates): Group => {
    const ids = turn.hooks.map(({ id }) => id);
    const isPlain = open === 'in memory' && new Set(ids).size === ids.length;
    const ms = isPlain
      ? turn.hooks.reduce((sum, hook) => sum + programs.expectedMs(hook), 0)
      : Number.POSITIVE_INFINITY;
    const key = ids.join();
    const before = waiting.get(key);
    if (before && before.ms + ms <= QUICK_MS) {
      before.turns.push(turn);
      before.ms += ms;
      return before;
    }
    const group = begin(turn, open, ms, key);
    if (ms <= QUICK_MS) waiting.set(key, group);
    return group;
  };

  return {
    run: (turn, open) => {
      const group = groupOf(turn, open);
      const index = group.turns.indexOf(turn);
      const { promise, resolve } = Promise.withResolvers<void>();
      group.released.push(promise);
      group.open += 1;
      const resultOf = async (): Promise<RunsResult> => {
        const results = await group.results;
        await (index === 0 ? group.place : group.released[index - 1]);
        return results[index] as RunsResult;
      };
      return {
        result: resultOf(),
        release: () => {
          resolve();
          group.open -= 1;
          if (group.open === 0) void group.place.then((end) => end());
        },
      };
    },
  };
};
