// A reader whose effects are rows, written in the transaction in which it acknowledges.
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { TestReader } from './world.ts';

export type Effect = { readonly queue: string; readonly number: number };

const create = statement(
  'test.create-effects',
  'create table effects (id bigint generated always as identity, queue text, number int)',
);
const insert = statement('test.effect', 'insert into effects (queue, number) values ($1, $2)');
const list = statement<Effect>('test.list-effects', 'select queue, number from effects order by id');

export const createEffects = async (database: Database): Promise<void> => {
  await database.query(create);
};

/** In the order in which they took effect. */
export const listEffects = (database: Database): Promise<Effect[]> => database.query(list);

/** `trouble` is asked before anything is done, and again before the commit. */
export const effectsReader =
  (database: Database, trouble: () => void = () => {}): TestReader =>
  (deliveries, broker) =>
    database.transaction(async (tx) => {
      trouble();
      const over = await broker.acknowledge(tx, deliveries);
      for (const delivery of deliveries) {
        if (!over.has(delivery)) await tx.query(insert, [delivery.queue, Number(delivery.body.toString())]);
      }
      trouble();
    });
