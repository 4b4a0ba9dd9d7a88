// Payloads of more than 100 KB: they are handed to the evaluating process as they came, so that the
// thread that serves everybody neither parses nor writes them. Counted, not timed.
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { newSlugId } from '../../src/core/ids.ts';
import { SMALL_BODY_BYTES } from '../../src/http/bodies/body.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { bindingTo, definition } from './support/definitions.ts';
import { createWorld, type Server, type World } from './support/world.ts';

const LARGE = 'x'.repeat(2 * SMALL_BODY_BYTES);
const TRIGGER = '/api/hooks/v1/hooks/g/h/trigger';
/** Its task says how long the text of the payload is, and so stays small. */
const measuring = (more: object = {}) =>
  definition({
    task: { payload: { length: { $eval: 'len(payload.text)' }, id: { $eval: 'taskId' }, by: { $eval: 'firedBy' } } },
    triggerSchema: { type: 'object', required: ['text'], properties: { text: { type: 'string' } } },
    ...more,
  });

let world: World;
let server: Server;
let token: string;
before(async (t) => {
  world = await createWorld(lastFirst(t as TestContext));
  server = await world.start();
  await server.hooks.createHook('g', 'h', measuring());
  ({ token } = await server.hooks.getTriggerToken('g', 'h'));
});

const trigger = (body: string, tail = '') => server.send(TRIGGER + tail, { method: 'POST', body });
const taskOf = (taskId: string) => JSON.parse(world.queue.tasks.get(taskId) ?? '{}').payload;

/** How often this process reads or writes JSON of more than 100 KB. */
const countLarge = (t: TestContext) => {
  let count = 0;
  const [parse, stringify] = [JSON.parse, JSON.stringify];
  t.mock.method(JSON, 'parse', (text: string, ...rest: []) => {
    if (text.length > SMALL_BODY_BYTES) count += 1;
    return parse(text, ...rest);
  });
  t.mock.method(JSON, 'stringify', (value: unknown, ...rest: []) => {
    const text = stringify(value, ...rest);
    if (text?.length > SMALL_BODY_BYTES) count += 1;
    return text;
  });
  return () => count;
};

describe('a large payload', () => {
  it('of a trigger or a webhook makes its task, and this thread does not parse it', async (t) => {
    const body = JSON.stringify({ text: LARGE });
    const counted = countLarge(t);
    for (const [tail, by] of [
      ['', 'triggerHook'],
      [`/${token}`, 'triggerHookWithToken'],
    ] as const) {
      const { status, json, text } = await trigger(body, tail);
      assert.equal(status, 200, text);
      assert.deepEqual(taskOf(json.taskId), { length: LARGE.length, id: json.taskId, by });
    }
    assert.equal(counted(), 0);
  });

  it('of a message makes its task, and only who published it has parsed it', async (t) => {
    await server.hooks.createHook('g', 'bound', measuring(bindingTo('exchange/large')));
    const has = () => [...world.queue.tasks.values()].some((task) => task.includes('pulseMessage'));
    await world.publish('exchange/large', 'k', { text: LARGE });
    const counted = countLarge(t);
    await eventually('its task is there', has);
    assert.equal(counted(), 0);
  });

  it('chooses its taskId as a small one does', async () => {
    const taskId = newSlugId();
    const body = JSON.stringify({ text: LARGE, taskId });
    const first = await trigger(body);
    assert.deepEqual([first.status, first.json.taskId, taskOf(taskId).id], [200, taskId, taskId], first.text);
    assert.equal((await trigger(JSON.stringify({ taskId, text: LARGE }))).json.taskId, taskId);
    const other = await trigger(JSON.stringify({ text: `${LARGE}!`, taskId }));
    assert.deepEqual([other.status, other.json.code], [409, 'RequestConflict']);
    assert.match(other.json.message, new RegExp(taskId));
    const wrong = await trigger(JSON.stringify({ text: LARGE, taskId: 'mine' }));
    assert.deepEqual([wrong.status, wrong.json.code], [400, 'InputError']);
    assert.match(wrong.json.message, /Invalid taskId format: mine/);
  });

  it('that does not fit is refused as a small one is, with its beginning', async () => {
    const { status, json } = await trigger(JSON.stringify({ other: LARGE, text: 7 }));
    assert.deepEqual([status, json.code], [400, 'InputError']);
    assert.match(json.message, /text.* must be string/);
    assert.match(json.requestInfo.payload, /^\{"other":"x+… \(cut: /);
  });

  it('that is no JSON, or no object, is refused with the codes of small ones, and leaves no row', async () => {
    const rows = async () => (await server.send('/api/hooks/v1/hooks/g/h/fires')).json.fires.length;
    const before = await rows();
    const answers: [string, string][] = [
      [`{"text":"${LARGE}"`, 'MalformedPayload'],
      [`["${LARGE}"]`, 'InputValidationError'],
      [`"${LARGE}"`, 'MalformedPayload'],
      [' '.repeat(LARGE.length), 'MalformedPayload'],
    ];
    for (const [body, code] of answers) {
      const { status, json } = await trigger(body);
      assert.deepEqual([status, json.code], [400, code], json.message);
    }
    assert.equal(await rows(), before);
  });
});
