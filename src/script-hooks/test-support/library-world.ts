// A library of script hooks on a database of its own, with a clock in the test's hands.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { type Cleanup, freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock, type FakeClock } from '../../../test/support/fake-clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import type { Base } from '../../database/base.ts';
import { statement } from '../../database/statement.ts';
import { createTimers, type Timers } from '../../timers/create-timers.ts';
import { createSandbox, type Sandbox } from '../index.ts';
import { createScriptLibrary, type ScriptLibrary } from '../library/library.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers and rows are what the test says they are.
type Untyped = any;

export type World = Base & {
  readonly clock: FakeClock;
  readonly sandbox: Sandbox;
  readonly timers: Timers;
  readonly library: ScriptLibrary;
  /** An action of the host that must be done; what is under the one key of its response. */
  readonly act: (action: object) => Promise<Untyped>;
  /** An action that must be refused; the reason. */
  readonly refusal: (action: unknown, actor?: string) => Promise<string>;
  readonly rows: (sql: string, values?: readonly unknown[]) => Promise<Untyped[]>;
};

export const HOST = '~zod';
export const LETS_PASS = 'module.exports = (event) => ({ event: { allowed: event }, effects: [] });';

export const createWorld = async (t: Cleanup): Promise<World> => {
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  const database = await freshDatabase(t);
  const clock = createFakeClock(Date.UTC(2025, 3, 1, 12));
  const base = { database, clock, log: silentLog, metrics: createMetrics() };
  const sandbox = undo.use(createSandbox({ workers: 1 }));
  const timers = createTimers(base);
  const library = createScriptLibrary({ ...base, timers, sandbox, our: HOST });
  const acting = (actor = HOST) => ({ actor, now: clock.now() });
  return {
    ...base,
    ...{ clock, sandbox, timers, library },
    act: async (action) => {
      const result = await library.act(action, acting());
      if (result.kind === 'refused') assert.fail(result.reason);
      return Object.values(result.response)[0];
    },
    refusal: async (action, actor) => {
      const result = await library.act(action, acting(actor));
      return result.kind === 'refused' ? result.reason : assert.fail(JSON.stringify(result));
    },
    rows: (sql, values) => database.query(statement<Untyped>(`test.${hash('md5', sql)}`, sql), values),
  };
};
