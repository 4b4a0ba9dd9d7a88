// Calls that are sent again with the same Idempotency-Key.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Hooks } from '#client';
import { eventually } from '../support/wait.ts';
import { definition } from './support/definitions.ts';
import { HOOKS, startWorld } from './support/webhooks.ts';

const startCalling = async (t: Parameters<typeof startWorld>[0]) => {
  const world = await startWorld(t);
  await world.hooks.updateHook('g', 'h', definition());
  const { token } = await world.hooks.getTriggerToken('g', 'h');
  const call = (body: object, key?: string, path = 'trigger') =>
    world.send(`${HOOKS}/g/h/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: key === undefined ? {} : { 'idempotency-key': key },
    });
  return { ...world, call, token };
};

describe('a call with an Idempotency-Key', () => {
  it('fires once, and is answered again as before', async (t) => {
    const { call, queue, fires, hooks } = await startCalling(t);
    const [first, second] = [await call({ a: 1 }, 'one'), await call({ a: 1 }, '"one"')];
    assert.deepEqual([first.status, second.status, second.text], [200, 200, first.text]);
    assert.deepEqual(
      [first.headers['idempotent-replayed'], second.headers['idempotent-replayed']],
      [undefined, 'true'],
    );
    assert.equal(queue.tasks.size, 1);
    const [skipped, created] = await fires();
    assert.deepEqual([skipped.outcome, skipped.detail.because, created.outcome], ['skipped', 'duplicate', 'created']);
    assert.equal((await hooks.listLastFires('g', 'h')).lastFires.length, 1);
  });

  it('is another one with another key, without one, for another hook and with the trigger token', async (t) => {
    const { call, queue, token } = await startCalling(t);
    await call({}, 'one');
    await call({}, 'two');
    await call({});
    await call({}, 'one', `trigger/${token}`);
    const again = await call({}, 'one', `trigger/${token}`);
    assert.deepEqual([again.headers['idempotent-replayed'], queue.tasks.size], ['true', 4]);
  });

  it('is refused with 422 when its body is another one', async (t) => {
    const { call, queue } = await startCalling(t);
    await call({ a: 1 }, 'one');
    const { status, json } = await call({ a: 2 }, 'one');
    assert.deepEqual([status, json.code, queue.tasks.size], [422, 'IdempotencyKeyReused', 1]);
  });

  it('is refused with 409 while the first one is under way', async (t) => {
    const { call, queue } = await startCalling(t);
    queue.behave('hang');
    const first = call({}, 'one');
    await eventually('the task is asked for', () => queue.asked.length > 0);
    const { status, json } = await call({}, 'one');
    assert.deepEqual([status, json.code], [409, 'RequestConflict']);
    queue.behave('create');
    for (const { letGo } of queue.asked) letGo();
    assert.equal((await first).status, 200);
    assert.deepEqual([(await call({}, 'one')).status, queue.tasks.size], [200, 1]);
  });

  it('fires when the first one made no task: it was wrong, or refused', async (t) => {
    const { call, queue } = await startCalling(t);
    queue.behave({ kind: 'refused', statusCode: 403, code: 'InsufficientScopes', message: 'no such scope' });
    assert.equal((await call({}, 'one')).status, 403);
    queue.behave('create');
    assert.deepEqual([(await call({}, 'one')).status, queue.tasks.size], [200, 1]);
  });

  it('may choose its taskId, and be large', async (t) => {
    const { call, queue } = await startCalling(t);
    const body = { taskId: 'fN1SbArXTPSVFNUvaOlinQ', more: 'x'.repeat(200_000) };
    for (let n = 0; n < 2; n += 1) {
      const { status, json } = await call(body, 'one');
      assert.deepEqual([status, json.taskId], [200, body.taskId]);
    }
    assert.deepEqual([...queue.tasks.keys()], [body.taskId]);
  });

  it('is told when its key is none', async (t) => {
    const { call } = await startCalling(t);
    for (const key of ['', 'a, b', 'x'.repeat(256), '"']) {
      const { status, json } = await call({}, key);
      assert.deepEqual([status, json.code], [400, 'InvalidRequestArguments'], key);
    }
  });

  it('is made by the typed client, which may send it as often as it likes', async (t) => {
    const { url, queue } = await startCalling(t);
    const hooks = new Hooks({ rootUrl: url, idempotencyKey: 'ship-4711' });
    const [first, second] = [await hooks.triggerHook('g', 'h', {}), await hooks.triggerHook('g', 'h', {})];
    assert.deepEqual([second, queue.tasks.size], [first, 1]);
    await hooks.use({ idempotencyKey: 'ship-4712' }).triggerHook('g', 'h', {});
    assert.equal(queue.tasks.size, 2);
    assert.throws(() => hooks.use({ idempotencyKey: 'a, b' }), /idempotencyKey must be/);
  });
});
