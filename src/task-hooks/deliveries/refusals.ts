// Deliveries that a webhook refused: rows of the ledger for the first few of its minute, counted
// beyond them. Those that come at the same time share a commit.
import { createBatch } from '../../database/batch.ts';
import type { Database } from '../../database/database.ts';
import type { BeginFires } from '../firing/begin-fires.ts';
import type { EndedFire } from '../firing/fire.ts';
import type { Rejections } from '../messages/rejections.ts';

/** Resolves when it is recorded. */
export type RecordRefusal = (refused: EndedFire) => Promise<void>;

export type RefusalsSettings = {
  readonly database: Database;
  readonly rejections: Pick<Rejections, 'count'>;
  readonly beginFires: Pick<BeginFires, 'inTransaction'>;
};

const MOST_AT_ONCE = 1_000;

export const createRecordRefusal = ({ database, rejections, beginFires }: RefusalsSettings): RecordRefusal =>
  createBatch<EndedFire, void>({
    maxItems: MOST_AT_ONCE,
    concurrency: 1,
    run: async (refused) => {
      const tell = await database.transaction(async (tx) => {
        const own = await rejections.count(tx, refused);
        const counted = refused.map((fire): EndedFire => (own.has(fire) ? fire : { ...fire, hasRow: false }));
        return beginFires.inTransaction(tx, counted, { atOnce: false, leaseOf: 'anybody' });
      });
      tell();
      return refused.map(() => undefined);
    },
  });
