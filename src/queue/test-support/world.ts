// A world for tests of the queue: one database, a clock in the test's hands, timers that run, and
// the queue's methods to be called as the HTTP layer calls them, by somebody who may do everything.
import { type Cleanup, freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import { satisfies } from '../../auth/scopes.ts';
import type { Broker, OutgoingMessage } from '../../broker/broker.ts';
import { toIso } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { ApiError } from '../../http/api-error.ts';
import type { ScopeExpression } from '../../http/api-method.ts';
import { compilePayloadCheck } from '../../http/validation.ts';
import { createTimers, type Timers } from '../../timers/create-timers.ts';
import { createStandaloneQueue, type StandaloneQueue } from '../standalone/standalone-queue.ts';
import { TASK_TIMER } from '../standalone/tasks/expiry.ts';

export type Call = (
  name: string,
  params: Record<string, string>,
  payload?: object,
  more?: { query?: Record<string, string>; scopes?: readonly string[]; gone?: AbortSignal },
  // biome-ignore lint/suspicious/noExplicitAny: the body of an answer is what the test says it is.
) => Promise<any>;

export type World = {
  readonly database: Database;
  readonly clock: FakeClock;
  readonly timers: Timers;
  readonly queue: StandaloneQueue;
  /** Calls a method of the API; rejects with its ApiError. */
  readonly call: Call;
  /** The least that is a task, a deadline of an hour, and what else it is to have. */
  readonly definition: (more?: object) => Record<string, unknown>;
  /** What was published, in order. */
  readonly messages: OutgoingMessage[];
  /** Exchanges that somebody is bound to; undefined: all. */
  readonly bindTo: (exchanges: ReadonlySet<string> | undefined) => void;
  /** Time passes, and what is due by then is done when this resolves. */
  readonly pass: (ms: number) => Promise<void>;
  /** One more process on the same database. */
  readonly anotherQueue: () => { readonly queue: StandaloneQueue; readonly call: Call };
};

export type WorldOptions = { readonly claimMs?: number; readonly ending?: AbortSignal };

const LOOKS_BEFORE_A_NAP = 20;
const NAP_MS = 1_000;

const overdue = statement<{ count: number }>(
  'test.overdue',
  `select (select count(*) from timers where kind = '${TASK_TIMER.kind}' and not_before <= $1)
        + (select count(*) from tasks where due <= $1) as count`,
);

export const createWorld = async (t: Cleanup, options: WorldOptions = {}): Promise<World> => {
  const running = new AsyncDisposableStack();
  t.after(() => running.disposeAsync()); // before the database goes
  const database = await freshDatabase(t, { poolSize: 12 });
  const clock = createFakeClock();
  const timers = createTimers({ database, clock, log: silentLog, metrics: createMetrics() });
  const messages: OutgoingMessage[] = [];
  let bound: ReadonlySet<string> | undefined;
  const broker = {
    publish: async (_tx, published) => {
      messages.push(...published);
    },
    boundAmong: async (_tx, exchanges) => new Set(exchanges.filter((one) => bound?.has(one) ?? true)),
  } satisfies Partial<Broker> as unknown as Broker;
  const clients = { find: async () => ({ accessToken: 'queue-token' }) as never, add: async () => true };

  const make = (own: Timers): StandaloneQueue =>
    createStandaloneQueue({
      ...{ database, timers: own, broker, clients, clock, satisfies },
      callerWith: async (clientId, scopes) => ({ clientId, scopes: [...scopes].sort() }),
      rootUrl: () => 'http://example.com',
      ending: options.ending ?? new AbortController().signal,
      ...(options.claimMs !== undefined && { claimMs: options.claimMs }),
    });
  const callOf = ({ api }: StandaloneQueue): Call => {
    const checks = new Map(
      api.methods.map(({ name, input }) => [name, input && compilePayloadCheck(input, () => 'http://example.com')]),
    );
    return async (
      name,
      params,
      given = {},
      { query = {}, scopes = ['*'], gone = new AbortController().signal } = {},
    ) => {
      const method = api.methods.find((one) => one.name === name);
      if (!method) throw new Error(`there is no method ${name}`);
      const payload = structuredClone(given);
      checks.get(name)?.(payload);
      const caller = { clientId: 'me', scopes };
      const authorize = (expression: ScopeExpression) => {
        if (!satisfies(caller, expression)) throw new ApiError('InsufficientScopes', JSON.stringify(expression));
      };
      const request = {
        params,
        query,
        payload,
        payloadBytes: 0,
        caller,
        requestId: 'r',
        signed: {
          method: 'POST',
          url: '/',
          host: undefined,
          authorization: undefined,
          contentType: undefined,
          body: Buffer.alloc(0),
        },
        log: silentLog,
        gone,
        authorize,
      };
      const answer = await method.handle(request);
      return 'body' in answer ? answer.body : undefined;
    };
  };

  const queue = make(timers);
  running.defer(() => queue[Symbol.asyncDispose]());
  await queue.begin();
  const stopping = new AbortController();
  const ran = timers.run(stopping.signal);
  running.defer(async () => {
    stopping.abort();
    await ran;
  });

  const finishDue = async () => {
    for (let looks = 1; ; looks += 1) {
      const [row] = await database.query(overdue, [toIso(clock.now())]);
      if (row?.count === 0) return;
      if (looks % LOOKS_BEFORE_A_NAP !== 0) continue;
      // A scheduler that believes that another one holds what is due takes a nap; it is to wake,
      // and the wall clock to stay.
      clock.jump(-NAP_MS);
      await clock.advance(NAP_MS);
    }
  };

  return {
    ...{ database, clock, timers, queue, messages },
    call: callOf(queue),
    definition: (more = {}) => ({
      taskQueueId: 'prov/wt',
      created: toIso(clock.now()),
      deadline: toIso(clock.now() + 60 * 60 * 1000),
      payload: {},
      metadata: { name: 'n', description: 'd', owner: 'o', source: 'https://example.com' },
      ...more,
    }),
    bindTo: (exchanges) => {
      bound = exchanges;
    },
    pass: async (ms) => {
      await finishDue();
      // A scheduler looks at the clock each second, and asks anew every ten.
      for (let left = ms; left > 0; left -= 1_000) await clock.advance(Math.min(left, 1_000));
      await finishDue();
    },
    anotherQueue: () => {
      const another = make(createTimers({ database, clock, log: silentLog, metrics: createMetrics() }));
      running.defer(() => another[Symbol.asyncDispose]());
      return { queue: another, call: callOf(another) };
    },
  };
};
