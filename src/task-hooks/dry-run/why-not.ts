// Why a hook does not fire: the steps that an event takes to it, up to the one at which it ends.
import type { BindingState, Broker } from '../../broker/broker.ts';
import { leadsTo } from '../../broker/in-database/topic-table.ts';
import { whySilent } from '../../broker/names.ts';
import { type Clock, toIso } from '../../core/clock.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Outcome } from '../../ledger/entry.ts';
import { latestOccurrence, nextOccurrence } from '../../timers/schedule/schedule.ts';
import type { Hook, HookDefinition, HookName } from '../definition.ts';
import type { FireStore } from '../firing/fire-store.ts';
import type { WhyNotAnswer } from './shapes.ts';

export type WhyNotSettings = {
  readonly database: Database;
  readonly bindingStates: Broker['bindingStates'];
  readonly ownExchanges?: Broker['ownExchanges'];
  readonly fires: Pick<FireStore, 'findUnfinished'>;
  /** When the schedule of this hook is next due. */
  readonly dueOf: (hook: Hook) => Promise<number | undefined>;
  readonly clock: Clock;
};

export type WhyNot = {
  readonly ofMessage: (hook: Hook, exchange: string, routingKey: string) => Promise<WhyNotAnswer>;
  readonly ofTime: (hook: Hook, at: number) => Promise<WhyNotAnswer>;
};

type Step = WhyNotAnswer['steps'][number];
type End = NonNullable<WhyNotAnswer['endedAt']>;

/** Bindings that an answer names. */
const MOST_NAMED = 20;
/** What was recorded after a time, that is looked through. */
const MOST_ROWS = 2_000;

export const createWhyNot = (settings: WhyNotSettings): WhyNot => {
  const { database, bindingStates, ownExchanges = [], fires, dueOf, clock } = settings;

  const ofRecord = async (hookUid: string, at: number): Promise<Recorded | undefined> => {
    const [row] = await database.query(findRecorded, [hookUid, toIso(at), `schedule:${toIso(at)}`]);
    return row;
  };

  /** An occurrence of `then`, which has passed. */
  const ofPast = async (then: Then, at: number, steps: readonly Step[]): Promise<WhyNotAnswer> => {
    const row = await ofRecord(then.hookUid, at);
    if (row?.outcome === 'missed') {
      return ended(steps, 'scheduler', row.reason ?? 'It was missed: nothing ran at that time.', ofRow(row));
    }
    if (row) {
      return reached(steps, { step: 'scheduler', what: 'It fired.' }, `It fired, and ${fateOf(row)}.`, ofRow(row));
    }
    if (await fires.findUnfinished({ hookUid: then.hookUid, cause: `schedule:${toIso(at)}` })) {
      return reached(steps, { step: 'scheduler', what: 'It fired.' }, 'It fired, and its task is not created yet.');
    }
    const reason =
      'Nothing was recorded of it. It may have come due just now; the record may be over its retention; or more was recorded since than is looked ' +
      'through, which listFires shows.';
    return ended(steps, 'scheduler', reason);
  };

  const ofFuture = async (hook: Hook, at: number, steps: readonly Step[]): Promise<WhyNotAnswer> => {
    const due = await dueOf(hook);
    if (due === undefined || due > at) {
      const what = due === undefined ? 'No next date is set' : `The next date is ${toIso(due)}`;
      return ended(
        steps,
        'scheduler',
        `${what}, so this one passes unnoticed. Save the hook again to have it set anew.`,
      );
    }
    const what = due === at ? 'It is the next date.' : `The next date is ${toIso(due)}; this one comes after it.`;
    return reached(steps, { step: 'scheduler', what }, 'It will fire, if a process with the part scheduler runs then.');
  };

  return {
    ofMessage: async ({ uid, definition }, exchange, routingKey) => {
      const ofExchange = definition.bindings.filter((binding) => binding.exchange === exchange);
      const matching = ofExchange.filter(({ routingKeyPattern }) => leadsTo(routingKeyPattern, routingKey));
      const nearest = (ofExchange.length > 0 ? ofExchange : definition.bindings).map(nameOf).slice(0, MOST_NAMED);
      if (matching.length === 0) {
        const other = ofExchange.length > 0 ? 'with this routing key' : 'to this exchange';
        return ended([], 'binding', `The hook has no binding ${other}. Add one to its definition.`, { nearest });
      }
      const bound = {
        step: 'binding',
        passed: true,
        what: `It matches ${nameOf(matching[0] as (typeof matching)[0])}.`,
      };
      const silent = whySilent(exchange, ownExchanges);
      if (silent !== undefined) return ended([bound], 'broker', `No such message comes: ${silent}.`);
      const states = await bindingStates(uid);
      const ofMatching = states.filter((state) => matching.some((binding) => isOf(state, binding)));
      const active = ofMatching.find(({ state }) => state === 'active');
      if (!active) return ended([bound], 'broker', whyInactive(ofMatching[0]));
      const what = `The broker has the binding since ${toIso(active.since)}.`;
      const next =
        'Such a message is evaluated. What becomes of its payload, renderHook with firedBy "pulseMessage" tells.';
      return reached([bound], { step: 'broker', what }, next);
    },

    ofTime: async (hook, at) => {
      const isPast = at <= clock.now();
      const then = isPast ? await definitionThen(database, hook.definition, at) : thenOf(hook);
      if (!then) return ended([], 'hook', `There was no such hook at ${toIso(at)}.`);
      const { schedule } = then.definition;
      if (schedule.length === 0) return ended([], 'schedule', 'The hook had no schedule. Give its definition one.');
      if (nextOccurrence(schedule, at - 1) !== at) {
        const around = [latestOccurrence(schedule, at), nextOccurrence(schedule, at)];
        const nearest = around.flatMap((ms) => (ms === undefined ? [] : toIso(ms)));
        return ended([], 'schedule', 'Its schedule has no occurrence at this time; times are in UTC.', { nearest });
      }
      const steps = [{ step: 'schedule', passed: true, what: 'It is an occurrence of the schedule.' }];
      return isPast ? ofPast(then, at, steps) : ofFuture(hook, at, steps);
    },
  };
};

const ended = (
  passed: readonly Step[],
  endedAt: End,
  reason: string,
  more: Partial<WhyNotAnswer> = {},
): WhyNotAnswer => ({
  reaches: false,
  endedAt,
  reason,
  steps: [...passed, { step: endedAt, passed: false, what: reason }],
  ...more,
});

const reached = (
  passed: readonly Step[],
  last: Omit<Step, 'passed'>,
  reason: string,
  more: Partial<WhyNotAnswer> = {},
): WhyNotAnswer => ({ reaches: true, reason, steps: [...passed, { ...last, passed: true }], ...more });

type NamedBinding = HookDefinition['bindings'][number];

const nameOf = ({ exchange, routingKeyPattern }: NamedBinding): string => `${exchange} with "${routingKeyPattern}"`;

const isOf = (state: BindingState, { exchange, routingKeyPattern }: NamedBinding): boolean =>
  state.exchange === exchange && state.routingKeyPattern === routingKeyPattern;

const whyInactive = (state: BindingState | undefined): string => {
  if (state?.state === 'refused') return `The broker refuses the binding: ${state.reason ?? 'no reason is known'}`;
  return 'The broker does not have the binding yet; it is tried as soon as the broker can be reached.';
};

type Then = { readonly hookUid: string; readonly definition: HookDefinition };

const thenOf = ({ uid, definition }: Hook): Then => ({ hookUid: uid, definition });

const findThen = statement<{ hook_uid: string; after: HookDefinition | null }>(
  'why-not.definition',
  `select hook_uid, after from audit
   where hook_group_id = $1 and hook_id = $2 and action in ('created', 'changed', 'removed') and at <= $3
   order by id desc limit 1`,
);

/** As the hook was at a time; undefined: there was none. */
const definitionThen = async (
  database: Database,
  { hookGroupId, hookId }: HookName,
  at: number,
): Promise<Then | undefined> => {
  const [row] = await database.query(findThen, [hookGroupId, hookId, toIso(at)]);
  return row?.after ? { hookUid: row.hook_uid, definition: row.after } : undefined;
};

type Recorded = { readonly seq: number; readonly outcome: Outcome; readonly reason: string | null };

// What was missed is recorded with the occurrence after it, and names the first and last of them.
const findRecorded = statement<Recorded>(
  'why-not.recorded',
  `select seq, outcome, error->>'message' as reason
   from (select * from ledger where hook_uid = $1 and at >= $2 order by at, seq limit ${MOST_ROWS}) since
   where kind = 'fire' and fired_by = 'schedule'
     and (cause = $3
          or outcome = 'missed' and arrived <= $2 and (detail->>'last')::timestamptz >= $2)
   limit 1`,
);

const ofRow = ({ seq, outcome }: Recorded) => ({ seq, outcome });

const fateOf = ({ outcome, reason }: Recorded): string =>
  outcome === 'created' ? 'its task was created' : `ended as ${outcome}${reason === null ? '' : `: ${reason}`}`;
