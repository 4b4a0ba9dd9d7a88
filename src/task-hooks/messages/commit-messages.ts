// What became of messages, of many hooks in one transaction: their deliveries end, and fires, tasks
// and rows of the ledger begin.
import type { Broker } from '../../broker/broker.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import { createBatch } from '../../database/batch.ts';
import type { Database, Transaction } from '../../database/database.ts';
import type { Ledger } from '../../ledger/create-ledger.ts';
import type { Queue } from '../../queue/queue.ts';
import type { CompiledHook } from '../evaluation/evaluator.ts';
import { type FireEntry, findUnchanged, finishIn } from '../firing/fire-at-once.ts';
import { sayEnded, sayStored } from '../firing/fire-log.ts';
import { fireMetricsOf } from '../firing/fire-metrics.ts';
import { LEASE_MS, type Notice } from '../firing/fire-runner.ts';
import type { Fire, FireStore, StoredFire } from '../firing/fire-store.ts';
import type { Reading } from './evaluate-message.ts';
import type { Rejections } from './rejections.ts';

/** Messages of one hook, in order, as this revision of it reads them. */
export type ReadingGroup = {
  readonly hook: CompiledHook;
  readonly readings: readonly Reading[];
  /** Tasks are made in the same transaction, where the queue can. */
  readonly atOnce: boolean;
};

/**
 * The fires that were stored and are to be pursued, in order; `stale`: the hook was changed or
 * removed meanwhile, and nothing was done.
 */
export type StoredGroup = readonly StoredFire[] | 'stale';

export type ReadingStore = (group: ReadingGroup) => Promise<StoredGroup>;

export type ReadingStoreSettings = {
  readonly database: Database;
  readonly acknowledge: Broker['acknowledge'];
  readonly fires: FireStore;
  readonly ledger: Ledger;
  readonly rejections: Rejections;
  readonly notice: Notice;
  /** Where the queue lives in our database. */
  readonly createTasksIn: Queue['createTasksIn'] | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** Of at most a hundred messages each. */
const MOST_GROUPS = 8;

/**
 * What is left to be done of a group: its hook is unchanged, and no other process has ended these.
 */
type Fresh = {
  readonly group: ReadingGroup;
  readonly fires: readonly Fire[];
  readonly unfired: readonly FireEntry[];
};

type Done = {
  readonly stored: ReadonlyMap<ReadingGroup, readonly StoredFire[]>;
  readonly ended: readonly FireEntry[];
  /** Those of `ended` that have rows of their own. */
  readonly written: readonly FireEntry[];
};

export const createReadingStore = (settings: ReadingStoreSettings): ReadingStore => {
  const { database, acknowledge, fires, ledger, rejections, notice, createTasksIn, clock, log } = settings;
  const metrics = fireMetricsOf(settings.metrics);

  const takeFresh = async (tx: Transaction, groups: readonly ReadingGroup[]): Promise<Fresh[]> => {
    const unchanged = await findUnchanged(tx, groups);
    if (unchanged.length === 0) return [];
    const deliveries = unchanged.flatMap(({ readings }) => readings.map(({ delivery }) => delivery));
    const over = await acknowledge(tx, deliveries);
    return unchanged.map((group) => {
      const left = group.readings.filter(({ delivery }) => !over.has(delivery));
      return {
        group,
        fires: left.flatMap((one) => (one.kind === 'fire' ? one.fire : [])),
        unfired: left.flatMap((one) => (one.kind === 'unfired' ? one.entry : [])),
      };
    });
  };

  /** Answers the rows of the ledger that these make. */
  const makeTasks = async (tx: Transaction, fresh: readonly Fresh[]): Promise<FireEntry[]> => {
    const now = fresh.flatMap((one) => (one.group.atOnce ? one.fires : []));
    if (now.length === 0 || !createTasksIn) return [];
    return (await finishIn(tx, createTasksIn, now, clock.now())).flatMap(({ entry }) => entry ?? []);
  };

  const storeRest = async (tx: Transaction, fresh: readonly Fresh[]): Promise<ReadonlySet<StoredFire>> => {
    const leaseEnds = clock.now() + LEASE_MS;
    const later = fresh.filter(({ group }) => !group.atOnce);
    const toStore = later.flatMap(({ group, fires: ofGroup }) => {
      const hook = { uid: group.hook.uid, revision: 'any' as const }; // it was looked at in this transaction
      return ofGroup.map((fire) => ({ hook, fire, leaseEnds }));
    });
    return new Set(toStore.length > 0 ? await fires.storeAll(tx, toStore) : []);
  };

  /**
   * The owner is told of the first failure of a hook; mail says that there may be more. Hooks in
   * one order, as all who lock their state do.
   */
  const tell = async (tx: Transaction, entries: readonly FireEntry[]) => {
    const told = new Set<string>();
    for (const entry of entries.toSorted((a, b) => (a.hookUid < b.hookUid ? -1 : a.hookUid > b.hookUid ? 1 : 0))) {
      const { hookUid, outcome, arrived, taskId, error } = entry;
      if ((outcome !== 'failed' && outcome !== 'limited') || told.has(hookUid)) continue;
      told.add(hookUid);
      await notice(tx, { hookUid, firedBy: 'pulseMessage', arrived, taskId: taskId ?? '' }, outcome, error);
    }
  };

  const storeIn = async (tx: Transaction, groups: readonly ReadingGroup[]): Promise<Done> => {
    const fresh = await takeFresh(tx, groups);
    const finished = await makeTasks(tx, fresh);
    const stored = await storeRest(tx, fresh);
    const unfired = fresh.flatMap((one) => one.unfired);
    const rejected = unfired.filter(({ outcome }) => outcome === 'rejected');
    const others = unfired.filter(({ outcome }) => outcome !== 'rejected');
    const written = [...finished, ...(await rejections.count(tx, rejected)), ...others];
    if (written.length > 0) await ledger.write(written, tx);
    await tell(tx, written);
    return {
      stored: new Map(fresh.map((one) => [one.group, one.fires.filter((fire) => stored.has(fire))])),
      ended: [...finished, ...unfired],
      written,
    };
  };

  const storeTogether = createBatch<ReadingGroup, StoredGroup>({
    maxItems: MOST_GROUPS,
    concurrency: 2,
    run: async (groups) => {
      const { stored, ended, written } = await database.transaction((tx) => storeIn(tx, groups));
      const now = clock.now();
      for (const entry of ended) metrics.ended(eventOf(entry), entry.outcome, now);
      for (const entry of written) {
        const fire = { ...entry, firedBy: 'pulseMessage' } as const;
        if (entry.attempts > 0) metrics.begun(eventOf(entry), entry.at);
        sayEnded(log, fire, entry.outcome, entry.error);
      }
      for (const group of stored.values()) for (const fire of group) sayStored(log, fire);
      return groups.map((group) => stored.get(group) ?? 'stale');
    },
  });

  return (group) => storeTogether(createTasksIn ? group : { ...group, atOnce: false });
};

const eventOf = ({ arrived }: FireEntry) => ({ firedBy: 'pulseMessage', arrived }) as const;
