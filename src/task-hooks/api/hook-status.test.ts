import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { BindingState } from '../../broker/broker.ts';
import type { HookDefinition } from '../definition.ts';
import { createEvaluator } from '../evaluation/evaluator.ts';
import { FORBIDDEN, UNAVAILABLE } from '../test-support/fake-queue.ts';
import { createInlinePool } from '../test-support/inline-pool.ts';
import { createWorld, ME, NAME, scheduledHook } from '../test-support/world.ts';
import { createDefinitionWarnings } from './definition-warnings.ts';
import { readHookStatus } from './hook-status.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();
const DEFAULT_SCHEMA = { type: 'object', additionalProperties: false };
const evaluator = createEvaluator(createInlinePool());
const BINDING = { exchange: 'e', routingKeyPattern: '#' };

const createStatus = async (t: TestContext, more: Partial<HookDefinition> = {}, ...schedule: string[]) => {
  const world = await createWorld(t);
  const server = await world.startServer();
  await server.changes.create(scheduledHook(schedule, more), ME);
  const hook = (await server.hooks.find(NAME)) ?? assert.fail();
  const { timers, runner } = server;
  const pass = async (ms: number) => {
    world.clock.jump(ms);
    await world.clock.advance(SECOND);
    await world.handleDue();
    await runner.whenIdle();
  };
  let states: readonly BindingState[] = [];
  const bindingStates = async (uid: string) => (uid === hook.uid ? states : []);
  const warningsOf = createDefinitionWarnings({ evaluator, scopesOfRole: undefined });
  const { whenRecorded } = runner;
  const ownExchanges = ['exchange/taskcluster-queue/v1/task-completed'];
  const sources = { ledger: world.ledger, timers, bindingStates, ownExchanges, whenRecorded, warningsOf };
  const status = () => readHookStatus(sources, hook);
  const bind = (...now: readonly BindingState[]) => {
    states = now;
  };
  return { ...world, server, hook, pass, status, bind, start: world.clock.now() };
};

describe('the status of a hook', () => {
  it('without fires and without a schedule is that there was none', async (t) => {
    const { status } = await createStatus(t);
    assert.deepEqual(await status(), { lastFire: { result: 'no-fire' } });
  });

  it('names the next date, and the latest fire with the time at which it was due', async (t) => {
    const { status, pass, queue, start } = await createStatus(t, {}, '0 * * * * *', '0 */5 * * * *');
    assert.deepEqual(await status(), { lastFire: { result: 'no-fire' }, nextScheduledDate: iso(start + MINUTE) });
    await pass(MINUTE);
    assert.deepEqual(await status(), {
      lastFire: { result: 'success', taskId: [...queue.tasks.keys()][0], time: iso(start + MINUTE) },
      nextScheduledDate: iso(start + 2 * MINUTE),
    });
  });

  it('warns of a binding to an exchange on which this server never publishes', async (t) => {
    const right = { exchange: 'exchange/taskcluster-queue/v1/task-completed', routingKeyPattern: '#' };
    const wrong = { exchange: 'exchange/taskcluster-queue/v1/task-complete', routingKeyPattern: '#' };
    const triggerSchema = { type: 'object' };
    const { status, bind } = await createStatus(t, { bindings: [right, wrong], triggerSchema });
    bind({ ...right, state: 'active', since: 0 }, { ...wrong, state: 'active', since: 0 });
    assert.deepEqual((await status()).warnings, [
      `The binding to ${wrong.exchange} with "#" never brings a message: this server publishes nothing on ${wrong.exchange}, only on ${right.exchange}.`,
    ]);
  });

  it('says why the latest fire made no task, and that it is being tried', async (t) => {
    const { status, pass, queue, start } = await createStatus(t, {}, '0 * * * * *');
    queue.behave(() => FORBIDDEN);
    await pass(MINUTE);
    const { lastFire } = await status();
    assert.deepEqual(lastFire, {
      result: 'error',
      error: {
        name: 'Error',
        message: 'the role of the hook has no scopes',
        code: 'InsufficientScopes',
        statusCode: 403,
      },
      time: iso(start + MINUTE),
    });
    queue.behave(() => UNAVAILABLE);
    await pass(MINUTE);
    assert.deepEqual((await status()).lastFire, {
      result: 'error',
      error: { message: 'the queue answered 503' },
      time: iso(start + 2 * MINUTE),
    });
  });

  it('passes over what was missed', async (t) => {
    const { status, pass, start } = await createStatus(t, {}, '0 * * * * *');
    await pass(10 * MINUTE);
    const { lastFire } = await status();
    assert.deepEqual([lastFire.result, 'time' in lastFire && lastFire.time], ['success', iso(start + 10 * MINUTE)]);
  });

  it('says of each binding whether it is active, and warns of one that is refused', async (t) => {
    const { status, bind, start } = await createStatus(t, { bindings: [BINDING] });
    assert.equal('bindings' in (await status()), false);
    const reason = 'there is no exchange "f"';
    const since = start - MINUTE;
    bind({ ...BINDING, state: 'active', since }, { ...BINDING, exchange: 'f', state: 'refused', reason, since });
    const { bindings, warnings } = await status();
    assert.deepEqual(bindings, [
      { ...BINDING, state: 'active', since: iso(since) },
      { ...BINDING, exchange: 'f', state: 'refused', reason, since: iso(since) },
    ]);
    assert.deepEqual(warnings, [`The binding to f with "#" is refused: ${reason}`]);
  });

  it('warns when the trigger schema lets no message through, and when the latest one did not fit', async (t) => {
    const { server, hook, status } = await createStatus(t, { bindings: [BINDING], triggerSchema: DEFAULT_SCHEMA });
    const delivery = {
      ...{ queue: hook.uid, id: '1', exchange: 'e', routingKey: '', messageId: undefined },
      body: Buffer.from('{"a": 1}'),
      accepted: server.clock.now(),
    };
    await server.readMessages([delivery]);
    const { warnings = [], lastFire } = await status();
    assert.deepEqual(lastFire, { result: 'no-fire' });
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? '', /admits no properties/);
    assert.match(warnings[1] ?? '', /The latest message, of 2026-11-20T12:00:00\.000Z, did not fit the trigger schema/);
  });
});
