// Plain fires in one statement with what their cause writes: all of it is done, or nothing. The
// statement of a tick or of messages, which needs no other round trip.
import type { Transaction } from '../../../database/database.ts';
import { joinPieces, statement, type WholePiece } from '../../../database/statement.ts';
import { entryValues, recordedPiece } from '../../../ledger/write.ts';
import { unchangedPiece } from '../../hooks/hook-store.ts';
import { CREATED, endedBy, ledgerEntryOf } from '../fire.ts';
import { type BeginAtOnceSettings, type PlainFire, perForm, plainValues } from './begin-at-once.ts';

/**
 * In the caller's transaction, or in one of its own. Resolves when the statement is sent; it fails
 * unless all that the cause says is so, all hooks are unchanged and all tasks are made: then the
 * long way knows what is to be done.
 */
export type BeginWhole = (
  fires: readonly PlainFire[],
  causeValues: readonly unknown[],
  tx?: Transaction,
) => Promise<{ readonly answer: Promise<void> }>;

export const createBeginWhole = (settings: BeginAtOnceSettings, cause: WholePiece): BeginWhole => {
  const { database, ledger, plainTasks, clock } = settings;
  const taskIds = `$${cause.parameters + 1}::text[]`;
  const beginOf = perForm(plainTasks, ({ piece, news }) => {
    const pieces = [cause, unchangedPiece(), piece, recordedPiece('select task_id from made')];
    // Nothing but an error undoes a statement.
    return statement<object>(
      `fires.begin-${cause.name}-${piece.name}`,
      `with ${joinPieces(cause.name, pieces).text(1)}
     select 1 / (${cause.isWhole(1)} and (select count(*) from made) = cardinality(${taskIds}))::int as whole, ${news}`,
    );
  });

  return async (fires, causeValues, tx) => {
    const now = clock.now();
    const entries = fires.map(({ fire }) => ledgerEntryOf(endedBy(fire, CREATED), now));
    const form = plainTasks.form();
    const values = [...causeValues, ...(await plainValues(form, fires)), ...entryValues(entries)];
    const sent = Promise.withResolvers<void>();
    const send = () => {
      const rows = (tx ?? database).query(beginOf(form), values);
      sent.resolve();
      return rows;
    };
    const answer = ledger.writeWith(entries, tx, send).then(([row]) => form.learn(row));
    answer.catch(sent.reject); // also when it fails before it is sent
    await sent.promise;
    return { answer };
  };
};
