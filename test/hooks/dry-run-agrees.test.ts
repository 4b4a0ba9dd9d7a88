// A dry run and the fire that follows it agree, whatever the template, the schema and the payload.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: JSON-e's, not JavaScript's.
// biome-ignore-all lint/suspicious/noThenProperty: a word of JSON-e.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { satisfies } from '../../src/auth/scopes.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { newSlugId } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { createMetrics } from '../../src/core/metrics.ts';
import { createStandaloneQueue } from '../../src/queue/standalone/standalone-queue.ts';
import { createTimers } from '../../src/timers/create-timers.ts';
import { ECHO_SCOPES } from '../support/client.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { roundsOf } from '../support/test-length.ts';
import { createWorld } from './support/world.ts';

const SILENT = { publish: async () => {}, boundAmong: async () => new Set() } as unknown as Broker;
const CLIENTS = { find: async () => ({ accessToken: 'queue-token' }) as never, add: async () => true };
const MADE = `select (select count(*) from tasks) as tasks, (select count(*) from outbox) as messages,
  (select count(*) from timers) as timers, (select count(*) from fires) as fires, (select count(*) from ledger) as rows`;
const HELD = [...ECHO_SCOPES, 'queue:route:mine.*'];

const text = fc.constantFrom(
  'plain',
  '${payload.a}',
  'it is ${payload.b} now',
  '${now}',
  '${clientId}',
  '${nothing.there}',
  '${payload.list}',
  '${1 + 2 * 3}',
  '${payload.a / 0}',
  '$${a}',
);
const piece = fc.letrec<{ piece: unknown }>((tie) => ({
  piece: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    text,
    fc.constantFrom(null, 7, true, {}, []),
    fc.constantFrom(
      { $eval: 'payload' },
      { $eval: 'payload.a' },
      { $eval: 'payload.deep.er' },
      { $eval: 'taskId' },
      { $fromNow: '2 hours' },
      { $fromNow: 'some time' },
      { $eval: 'payload.a +' },
      { $json: { $eval: 'payload' } },
      { $unknown: 1 },
    ),
    fc.array(tie('piece'), { maxLength: 3 }),
    fc.record({ x: tie('piece'), y: tie('piece') }, { requiredKeys: [] }),
    fc.record({ $if: fc.constantFrom('payload.a == 1', 'payload.flag', 'firedBy == "x"'), then: tie('piece') }),
    fc.record({
      $map: fc.constantFrom({ $eval: 'payload.list' }, [1, 2]),
      'each(v)': fc.constantFrom({ $eval: 'v' }, '${v}'),
    }),
    fc.record({ $let: fc.record({ z: tie('piece') }), in: fc.constant({ $eval: 'z' }) }),
  ),
})).piece;

/** Six times of seven what is good. */
const mostly = <T>(good: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const metadata = { name: 'n', description: 'd', owner: 'owner@example.com', source: 'https://example.com/' };
const nearlyTask = fc
  .record(
    {
      payload: fc.record({ inner: piece }),
      metadata: mostly(metadata, { ...metadata, name: '${payload.b}' }, { name: 'n' }),
      scopes: mostly([], ['secret'], ['secret', 'other-secret']),
      routes: mostly(['mine.x'], ['another.x']),
      priority: mostly('lowest', 'high', 'no-such'),
      deadline: mostly<unknown>({ $fromNow: '1 hour' }, { $fromNow: '-1 hour' }, { $fromNow: '30 days' }, 'soon'),
      dependencies: mostly([], [newSlugId()]),
      extra: fc.record({ inner: piece }),
    },
    { requiredKeys: ['metadata'] },
  )
  .map((task) => ({ taskQueueId: 'proj/worker', payload: {}, ...task }));
const template = fc.oneof(
  { weight: 6, arbitrary: nearlyTask },
  { weight: 1, arbitrary: fc.record({ $if: fc.constant('payload.flag'), then: nearlyTask }) },
  { weight: 1, arbitrary: fc.record({ $eval: fc.constantFrom('payload', 'payload.list', 'null') }) },
  { weight: 1, arbitrary: fc.record({ x: piece }) },
);

const valueSchema = mostly<object>(
  {},
  { type: 'integer' },
  { type: 'string', pattern: '^[a-z]+$' },
  { enum: [1, 'one'] },
  { default: 'filled in' },
  { default: 1, type: 'integer' },
  { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'integer' } }] },
);
const schema = fc.oneof(
  { weight: 2, arbitrary: mostly<object>({}, { type: 'object' }, { type: 'no-such' }, { required: 'a' }) },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        type: fc.constant('object'),
        properties: fc.record({ a: valueSchema, b: valueSchema, list: valueSchema }, { requiredKeys: [] }),
        required: mostly<string[]>([], ['a'], ['a', 'b']),
        additionalProperties: mostly(true, false),
      },
      { requiredKeys: ['type'] },
    ),
  },
);

const value = fc.oneof(fc.constantFrom(1, 'one', 'word', '', null, true), fc.array(fc.integer(), { maxLength: 3 }));
const payload = fc.record(
  {
    a: value,
    b: value,
    list: value,
    flag: fc.boolean(),
    deep: fc.record({ er: value }),
    taskId: mostly('', 'no slug').map((taskId) => taskId || newSlugId()),
  },
  { requiredKeys: [] },
);

it('a dry run and the fire that follows it agree in verdict, task and error', { timeout: 600_000 }, async (t) => {
  const clock = createFakeClock();
  const world = await createWorld(t, { clock });
  const timers = createTimers({ database: world.database, clock, log: silentLog, metrics: createMetrics() });
  const standalone = createStandaloneQueue({
    ...{ database: world.database, timers, broker: SILENT, clients: CLIENTS, clock, satisfies },
    callerWith: async (clientId) => ({ clientId, scopes: HELD }),
    rootUrl: () => 'http://example.com',
    ending: new AbortController().signal,
  });
  t.after(() => standalone[Symbol.asyncDispose]());
  let created: string | undefined;
  const server = await world.start({
    isIdle: true,
    queue: {
      ...standalone,
      createTask: (request, signal) => {
        created = request.task;
        return standalone.createTask(request, signal);
      },
      createTasksIn: (tx, requests) => {
        created = requests[0]?.task;
        return standalone.createTasksIn(tx, requests);
      },
    },
  });
  const post = async (path: string, body: object, method = 'POST') => {
    const { status, text: said } = await server.send(`/api/hooks/v1${path}`, { method, body: JSON.stringify(body) });
    const answer = JSON.parse(said);
    return status === 200
      ? { answer }
      : { error: { code: answer.code, message: answer.message.split('\n\n---\n')[0] } };
  };
  const seen = new Set<string>();

  const property = fc.asyncProperty(
    template,
    schema,
    payload,
    fc.boolean(),
    async (task, triggerSchema, event, isSaved) => {
      await server.hooks.removeHook('g', 'h');
      const definition = { metadata: { name: 'n', description: '', owner: 'o@example.com' }, task, triggerSchema };
      const taskId = newSlugId();
      const unsaved = { hookGroupId: 'g', hookId: 'h', definition, payload: event, taskId };
      const before = isSaved ? undefined : await post('/render', unsaved);
      const saved = await post('/hooks/g/h', definition, 'PUT');
      if ('error' in saved) {
        if (before) assert.deepEqual(before, saved);
        seen.add('not saved');
        return;
      }
      const counted = await world.rows(MADE);
      const tried = before ?? (await post('/hooks/g/h/render', { payload: event, taskId }));
      assert.ok('answer' in tried, JSON.stringify(tried));
      const dry = tried.answer;
      assert.deepEqual(await world.rows(MADE), counted, 'a dry run leaves nothing behind');
      created = undefined;
      const fired = await post('/hooks/g/h/trigger', event);
      const [fire] = JSON.parse((await server.send('/api/hooks/v1/hooks/g/h/fires')).text).fires;
      seen.add(String(dry.outcome));
      assert.equal(dry.outcome, fire.outcome);
      if ('error' in fired) {
        const plain = (message: unknown) =>
          String(message).replaceAll(fire.taskId, 'ID').replaceAll(String(dry.taskId), 'ID');
        const error = dry.error as { code: string; message: string };
        assert.equal(error.code, fired.error.code);
        assert.equal(plain(error.message), plain(fired.error.message));
      } else assert.equal(dry.error, undefined);
      const plainTask = (given: string, id: unknown) => JSON.parse(given.replaceAll(String(id), 'ID'));
      if (created === undefined) assert.ok(dry.task === undefined || dry.outcome === 'exhausted');
      else assert.deepEqual(plainTask(JSON.stringify(dry.task), dry.taskId), plainTask(created, fire.taskId));
    },
  );
  await fc.assert(property, { numRuns: roundsOf(500), endOnFailure: true });
  for (const outcome of ['created', 'declined', 'rejected', 'failed']) {
    assert.ok(seen.has(outcome), `${outcome} was met; met: ${[...seen]}`);
  }
});
