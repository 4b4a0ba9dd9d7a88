// Who watches what, of all channels of this process.
import type { Watcher } from '../agents/agent.ts';
import type { Subscription } from './open-channel.ts';

export type Watches = {
  readonly add: (subscription: Subscription) => void;
  readonly remove: (subscription: Subscription) => void;
  readonly watchersOf: (app: string) => readonly Watcher[];
  readonly of: (app: string, watcher: Watcher) => readonly Subscription[];
  /** Subscriptions of a ship. */
  readonly countOf: (ship: string) => number;
};

type Watched = { readonly watcher: Watcher; readonly subscriptions: Set<Subscription> };

const keyOf = ({ ship, path }: Watcher): string => `${ship} ${path}`;

export const createWatches = (): Watches => {
  const apps = new Map<string, Map<string, Watched>>();
  const counts = new Map<string, number>();
  const countOf = (ship: string): number => counts.get(ship) ?? 0;
  return {
    countOf,
    add: (subscription) => {
      const { app, watcher } = subscription;
      counts.set(watcher.ship, countOf(watcher.ship) + 1);
      const watched = apps.get(app) ?? new Map<string, Watched>();
      apps.set(app, watched);
      const { subscriptions } = watched.get(keyOf(watcher)) ?? { subscriptions: new Set<Subscription>() };
      watched.set(keyOf(watcher), { watcher, subscriptions: subscriptions.add(subscription) });
    },
    remove: (subscription) => {
      const { app, watcher } = subscription;
      const subscriptions = apps.get(app)?.get(keyOf(watcher))?.subscriptions;
      if (!subscriptions?.delete(subscription)) return;
      if (countOf(watcher.ship) > 1) counts.set(watcher.ship, countOf(watcher.ship) - 1);
      else counts.delete(watcher.ship);
      if (subscriptions.size === 0) apps.get(app)?.delete(keyOf(watcher));
    },
    watchersOf: (app) => [...(apps.get(app)?.values() ?? [])].map(({ watcher }) => watcher),
    of: (app, watcher) => [...(apps.get(app)?.get(keyOf(watcher))?.subscriptions ?? [])],
  };
};
