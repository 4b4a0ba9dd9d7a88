// Crons of script hooks and their timers. A timer is set before what its handler reads is written:
// setting it waits for a turn that holds it.
import type { Transaction } from '../../database/database.ts';
import type { Timers } from '../../timers/create-timers.ts';
import { type Config, Refusal } from './actions.ts';
import { type CronSchedule, firstOccurrence, readSchedule } from './cron-schedule.ts';
import * as store from './store.ts';

/** The kind of their timers; the key is hook (digits) and origin (a nest, or empty). */
export const CRON_TIMER = 'script-cron';
export const cronTimerKey = (hook: string, origin: string): string => `${hook}/${origin}`;

export type NewCron = {
  readonly hook: string;
  readonly origin: string;
  /** As it was asked for. */
  readonly given: unknown;
  readonly config: Config;
  readonly now: number;
};

/** Replaces the one that the hook has at the same origin. Throws a Refusal. */
export const setCron = async (
  timers: Pick<Timers, 'set'>,
  tx: Transaction,
  { hook, origin, given, config, now }: NewCron,
): Promise<CronSchedule> => {
  const read = readSchedule(given, now);
  if (!read.ok) throw new Refusal(read.reason);
  await startCron(timers, tx, { hook, origin, schedule: read.schedule, config }, firstOccurrence(read.schedule, now));
  return read.schedule;
};

/** `due`: for the first time; undefined: never. */
export const startCron = async (
  timers: Pick<Timers, 'set'>,
  tx: Transaction,
  cron: store.StoredCron,
  due: number | undefined,
): Promise<void> => {
  const { hook, origin } = cron;
  if (due !== undefined) await timers.set(tx, { kind: CRON_TIMER, key: cronTimerKey(hook, origin), due });
  await store.writeCron(tx, cron);
};

export const cancelCrons = async (
  timers: Pick<Timers, 'cancel'>,
  tx: Transaction,
  crons: readonly Pick<store.StoredCron, 'hook' | 'origin'>[],
): Promise<void> => {
  for (const { hook, origin } of crons) await timers.cancel(tx, { kind: CRON_TIMER, key: cronTimerKey(hook, origin) });
};
