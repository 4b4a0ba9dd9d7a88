// The activity of ships: what each is told, reads, and wants to be told.
import type { Clock } from '../../core/clock.ts';
import type { Queryable, Transaction } from '../../database/database.ts';
import type { ActIn } from '../acting.ts';
import type { ActionActivity, ActivitySource, IncomingEvent } from '../types/activity.ts';
import { actOnActivity, removeSource } from './act.ts';
import { type FeedEvent, type FeedPage, readFeed } from './feed.ts';
import { recordActivity } from './record.ts';
import { type ActivitySummary, readSummary } from './summary.ts';

export type Activity = {
  readonly act: ActIn<ActionActivity>;
  /** Tells a ship of what concerns it, in order. */
  readonly record: (tx: Transaction, owner: string, events: readonly IncomingEvent[]) => Promise<void>;
  /** What a ship was told of a source and of those below, and how loud they were, is forgotten. */
  readonly forget: (tx: Transaction, owner: string, source: ActivitySource) => Promise<void>;
  readonly readSummary: (on: Queryable, owner: string) => Promise<ActivitySummary>;
  readonly readFeed: (on: Queryable, owner: string, page: FeedPage) => Promise<readonly FeedEvent[]>;
};

export const createActivity = ({ clock }: { readonly clock: Clock }): Activity => ({
  act: actOnActivity,
  record: async (tx, owner, events) => {
    await recordActivity(
      tx,
      events.map((event) => ({ owner, event })),
      clock.now(),
    );
  },
  forget: async (tx, owner, source) => void (await removeSource(tx, owner, source)),
  readSummary,
  readFeed,
});
