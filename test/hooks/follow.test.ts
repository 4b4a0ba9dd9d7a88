// The ledger as an event stream: who may see what, going on after a break, several processes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import { fire, START } from '../../src/ledger/test-support/entries.ts';
import { eventually } from '../support/wait.ts';
import { definition } from './support/definitions.ts';
import { createWorld, type Server } from './support/world.ts';

const FOLLOW = '/api/hooks/v1/fires/follow';

type Event = { readonly id?: number; readonly event?: string; readonly data: { cause?: string; hookId?: string } };
type Reader = {
  readonly status: number;
  readonly events: Event[];
  readonly chunks: string[];
  readonly isOver: () => boolean;
  readonly close: () => void;
};

const parse = (text: string): Event[] =>
  text
    .split('\n\n')
    .map((block) =>
      Object.fromEntries(block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)])),
    )
    .filter(({ data }) => data !== undefined)
    .map(({ id, event, data }) => ({
      ...(id && { id: Number(id) }),
      ...(event && { event }),
      data: JSON.parse(data as string),
    }));

const open = async (t: TestContext, { url }: Server, path = '', lastEventId?: number): Promise<Reader> => {
  const events: Event[] = [];
  const chunks: string[] = [];
  let isOver = false;
  const headers = lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) };
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const request = http.get(`${url}${FOLLOW}${path}`, { headers, agent: false }, resolve).on('error', reject);
    t.after(() => request.destroy());
  });
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const end = text.lastIndexOf('\n\n') + 2;
    chunks.push(chunk);
    events.push(...parse(text.slice(0, end)));
    text = text.slice(end);
  });
  response
    .on('error', () => {})
    .on('close', () => {
      isOver = true;
    });
  return { status: response.statusCode ?? 0, events, chunks, isOver: () => isOver, close: () => response.destroy() };
};

const start = async (t: TestContext) => {
  const world = await createWorld(t);
  let scopes: readonly string[] = ['*'];
  const server = await world.start({ scopes: () => scopes });
  for (const hookId of ['a', 'b']) await server.hooks.createHook('g', hookId, definition());
  return {
    ...{ world, server },
    trigger: (hookId = 'a', from = server) => from.hooks.triggerHook('g', hookId, {}),
    hold: (...held: readonly string[]) => {
      scopes = held;
    },
  };
};

const has = (reader: Reader, count: number) =>
  eventually(`${count} events`, () => reader.events.length >= count && reader.events);

describe('followFires', () => {
  it('tells each row once, to those who may see its hook and look for it', async (t) => {
    const { server, trigger, hold } = await start(t);
    const all = await open(t, server);
    assert.equal(all.status, 200);
    hold('hooks:list-last-fires:g/b');
    const some = await open(t, server);
    hold('*');
    const declined = await open(t, server, '?outcome=declined');
    for (const hookId of ['a', 'b', 'a', 'b', 'a']) await trigger(hookId);
    const told = await has(all, 5);
    assert.deepEqual(
      (await has(some, 2)).map(({ data }) => data.hookId),
      ['b', 'b'],
    );
    assert.equal(new Set(told.map(({ id }) => id)).size, 5);
    assert.deepEqual([all.events.length, some.events.length, declined.events.length], [5, 2, 0]);
    hold('hooks:list-last-fires');
    assert.equal((await open(t, server)).status, 403);
    hold('hooks:list-last-fires:g/b');
    assert.equal((await open(t, server, '?hook=g/a')).status, 403);
  });

  it('tells of what other processes write', async (t) => {
    const { world, server, trigger } = await start(t);
    const other = await world.start();
    const reader = await open(t, server);
    await trigger('a', other);
    await has(reader, 1);
  });

  it('goes on after the last event that a reader has', async (t) => {
    const { world, server, trigger } = await start(t);
    const first = await open(t, server);
    await trigger();
    const [{ id: seen }] = (await has(first, 1)) as [Event];
    first.close();
    await eventually('it is closed', first.isOver);
    await trigger('b');
    // A fire is recorded when its task is there, which may be after the answer.
    await eventually('it is recorded', async () => (await world.rows('select 1 from ledger')).length === 2);
    await trigger('a');
    for (const [path, header] of [
      ['', seen],
      [`?after=${seen}`, undefined],
    ] as const) {
      const again = await open(t, server, path, header);
      assert.deepEqual(
        (await has(again, 2)).map(({ data }) => data.hookId),
        ['b', 'a'],
      );
      again.close();
    }
    const filtered = await open(t, server, '?hook=g/a', seen);
    await trigger('a');
    assert.deepEqual(
      (await has(filtered, 2)).map(({ data }) => data.hookId),
      ['a', 'a'],
    );
  });

  it('says so where it cannot go on, and tells what comes', async (t) => {
    const { world, server, trigger } = await start(t);
    const unknown = await open(t, server, '', 999_999_999);
    const [gap] = (await has(unknown, 1)) as [Event];
    assert.equal(gap.event, 'gap');
    await trigger();
    await has(unknown, 2);
    const ledger = createLedger(world.database);
    const row = (n: number) =>
      fire(START + n, { hookUid: randomUUID(), hookGroupId: 'g', hookId: 'a', cause: `c${n}` });
    await ledger.write(Array.from({ length: 10_100 }, (_, n) => row(n)));
    const [{ seq }] = (await world.rows('select seq from ledger order by at, seq limit 1')) as [{ seq: number }];
    const late = await open(t, server, '', seq);
    await eventually('the gap', () => late.events.some(({ event }) => event === 'gap'));
    assert.equal(late.events.filter(({ id }) => id).length >= 9_900, true);
  });

  it('sends at most ten frames a second', async (t) => {
    const { server, trigger } = await start(t);
    const reader = await open(t, server);
    const began = performance.now();
    while (performance.now() - began < 1_000) await Promise.all(['a', 'b', 'a', 'b'].map((hookId) => trigger(hookId)));
    const frames = reader.chunks.filter((chunk) => chunk.includes('data: ')).length;
    assert.ok(frames >= 1 && frames <= (performance.now() - began) / 100 + 2, `${frames} frames`);
  });

  it('ends with the server, and refuses ids that are none', async (t) => {
    const { server } = await start(t);
    assert.equal((await open(t, server, '?after=x')).status, 400);
    assert.equal((await server.send(FOLLOW, { headers: { 'last-event-id': 'x' } })).status, 400);
    assert.equal((await server.send(FOLLOW, { method: 'HEAD' })).status, 204);
    const reader = await open(t, server);
    await server.stop();
    await eventually('it is over', reader.isOver);
  });

  it('takes a bounded number of readers', async (t) => {
    const { server } = await start(t);
    const readers = await Promise.all(Array.from({ length: 251 }, () => open(t, server)));
    assert.equal(readers.filter(({ status }) => status === 429).length, 1);
    for (const reader of readers) reader.close();
    await eventually('there is room again', async () => (await open(t, server)).status === 200);
  });
});
