// Messages: each that the broker has confirmed makes, for each hook, one task or one reason. What
// was not confirmed may.
import type { Kind, Message, Task } from './events.ts';
import { type Evidence, keyOf, type Row, tasksByMark } from './oracle.ts';

const OUTCOMES: Readonly<Record<Exclude<Kind, 'fits'>, string>> = { declines: 'declined', misfits: 'rejected' };

export const judgeMessages = (evidence: Evidence): string[] => [...judgeFired(evidence), ...judgeUnfired(evidence)];

/** Under one messageId it is one message, however often it came; without, each one is. */
const boundsOf = ({ messageId, published, confirmed }: Message): { readonly least: number; readonly most: number } =>
  messageId === undefined
    ? { least: confirmed, most: published }
    : { least: Math.min(confirmed, 1), most: Math.min(published, 1) };

const judgeFired = ({ events: { messages }, tasks, ledger }: Evidence): string[] => {
  const made = tasksByMark(tasks);
  return messages.flatMap((message) =>
    message.hookIds.flatMap((hookId) => {
      const { mark, kind } = message.payload;
      const { least, most } = kind === 'fits' ? boundsOf(message) : { least: 0, most: 0 };
      const count = made.get(keyOf(hookId, mark))?.length ?? 0;
      const isGood = count >= least && count <= most;
      return isGood
        ? []
        : [
            `${mark} made ${count} tasks of ${hookId}, and not ${spanOf(least, most)} (${describe(message)}; ${causesOf(ledger, made.get(keyOf(hookId, mark)))})`,
          ];
    }),
  );
};

/** Rows of the first ones, then counts: they add up. Whose a row is, its sample says. */
const judgeUnfired = ({ events: { messages }, ledger }: Evidence): string[] => {
  const problems: string[] = [];
  const byHook = Map.groupBy(
    ledger.filter(({ firedBy, outcome }) => firedBy === 'pulseMessage' && outcome !== 'created'),
    ({ hookId }) => hookId,
  );
  for (const hookId of new Set(messages.flatMap(({ hookIds }) => hookIds))) {
    const rows = byHook.get(hookId) ?? [];
    for (const [kind, outcome] of Object.entries(OUTCOMES)) {
      const own = messages.filter((one) => one.hookIds.includes(hookId) && one.payload.kind === kind);
      const least = own.reduce((sum, one) => sum + boundsOf(one).least, 0);
      const most = own.reduce((sum, one) => sum + boundsOf(one).most, 0);
      const ofOutcome = rows.filter((row) => row.outcome === outcome);
      const count = ofOutcome.reduce((sum, row) => sum + countOf(row), 0);
      if (count < least || count > most)
        problems.push(`${count} messages of ${hookId} were ${outcome}, and not ${spanOf(least, most)}`);
      problems.push(...judgeSamples(own, ofOutcome).map((problem) => `${problem} of ${hookId} as ${outcome}`));
    }
  }
  return problems;
};

/** Every message with a sample of its own has no more of them than it may. */
const judgeSamples = (messages: readonly Message[], rows: readonly Row[]): string[] => {
  const samples = Map.groupBy(
    rows.filter(({ detail }) => detail?.count === undefined),
    ({ detail }) => /"mark":"([^"]*)"/.exec(detail?.message ?? '')?.[1] ?? 'a message without a mark',
  );
  const known = new Map(messages.map((one) => [one.payload.mark, one]));
  return [...samples].flatMap(([mark, found]) => {
    const message = known.get(mark);
    const most = message ? boundsOf(message).most : 0;
    const causes = found.map(({ cause, arrived }) => `${cause} of ${new Date(arrived).toISOString()}`).join(', ');
    return found.length > most
      ? [`the ledger has ${found.length} rows of ${mark}, and not ${most} at most, (${causes})`]
      : [];
  });
};

const countOf = ({ detail }: Row): number => detail?.count ?? 1;

const spanOf = (least: number, most: number): string => (least === most ? `${least}` : `${least} to ${most}`);

const describe = ({ messageId, published, confirmed }: Message): string =>
  `${messageId === undefined ? 'without' : 'with'} a messageId, ${published} published, ${confirmed} confirmed`;

/** For who looks for what went wrong. */
const causesOf = (ledger: readonly Row[], tasks: readonly Task[] = []): string =>
  tasks
    .map(({ taskId }) => ledger.find((row) => row.taskId === taskId))
    .map((row) => (row ? `${row.cause} of ${new Date(row.arrived).toISOString()}` : 'no row'))
    .join(', ');
