// What clients ask through channels is answered in order, before what comes of it; and a ship sees
// its own.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import type { Change } from '../../community/changes/change.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { ApiError } from '../../http/api-error.ts';
import { type Agent, DONE, refuse } from '../agents/agent.ts';
import { MOST_ACTIONS, readActions } from './action.ts';
import { type Channel, MOST_EVENTS } from './channel.ts';
import { createChannels, MOST_OF_SESSION, MOST_OF_SHIP } from './channels.ts';
import { MOST_SUBSCRIPTIONS_OF_SHIP } from './perform.ts';

const NEC = { id: 'session of nec', ship: '~nec' };
const BUD = { id: 'session of bud', ship: '~bud' };
const change = (flag: string): Change => ({ kind: 'group', flag });

const open = () => {
  const clock = createFakeClock();
  const poked: unknown[] = [];
  /** A poke with the mark `wait`, and a watch of `/slow`, end when the test says so. */
  let release = () => {};
  const released = () =>
    new Promise<void>((resolve) => {
      release = resolve;
    });
  const echo: Agent = {
    name: 'echo',
    poke: async (mark, json) => {
      if (mark === 'fail') throw new Error('secret');
      if (mark === 'busy') throw new ApiError('ServiceUnavailable', 'Too much happens; try again.');
      if (mark === 'refuse') return refuse(typeof json === 'string' ? json : 'you may\n not');
      if (mark !== 'echo' && mark !== 'wait') return undefined;
      if (mark === 'wait') await released();
      poked.push(json);
      return DONE;
    },
    watch: async (path) => {
      if (path.startsWith('/slow')) await released();
      if (path === '/once') return { kind: 'once', fact: { mark: 'm', json: 1 } };
      return path.endsWith('/closed') ? refuse('closed') : { kind: 'watching' };
    },
    factsOf: async (changes, watchers) =>
      changes.flatMap((one) => {
        if (!('flag' in one)) return [];
        const fact = { json: one.flag };
        return watchers
          .filter(({ path }) => path === '/all' || path.startsWith('/slow') || path === `/${one.flag}`)
          .map((watcher) => ({ watcher, fact }));
      }),
  };
  const bare: Agent = { name: 'bare' };
  const channels = createChannels({ clock, log: silentLog, metrics: createMetrics(), agents: [echo, bare] });
  const put = (session: typeof NEC, uid: string, ...actions: unknown[]) => {
    const read = readActions(actions);
    assert.ok(read.ok);
    return channels.put(session, uid, read.actions, 100);
  };
  /** All events that come, as data. */
  const connect = (session: typeof NEC, uid: string, lastEventId?: number) => {
    const events: unknown[] = [];
    const state = { hasEnded: false };
    const stream = {
      write: (text: string) => {
        const [, data] = /^id: \d+\ndata: (.*)\n\n$/.exec(text) ?? [];
        if (data !== undefined) events.push(JSON.parse(data));
        return true;
      },
      end: () => {
        state.hasEnded = true;
      },
    };
    const channel = channels.attach(session, uid, stream, lastEventId);
    return { events, state, isThere: channel !== undefined };
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  return { clock, channels, put, connect, poked, settle, release: () => release() };
};

const poke = (id: number, mark = 'echo', json: unknown = id, more: object = {}) => {
  return { id, action: 'poke', ship: 'nec', app: 'echo', mark, json, ...more };
};
const subscribe = (id: number, path = '/all', more: object = {}) => {
  return { id, action: 'subscribe', ship: 'nec', app: 'echo', path, ...more };
};
const ok = (response: string, id: number) => ({ ok: 'ok', id, response });
const err = (response: string, id: number, reason: string) => ({ err: [reason], id, response });
const diff = (id: number, json: unknown) => ({ id, json, response: 'diff' });

describe('channels', () => {
  it('do actions in order, and answer each with one event', async () => {
    const { put, connect, poked, settle } = open();
    put(NEC, 'a', poke(1), subscribe(2), poke(3));
    put(NEC, 'a', { action: 'unsubscribe', subscription: 2 }, poke(4));
    await settle();
    assert.deepEqual(poked, [1, 3, 4]);
    const { events } = connect(NEC, 'a');
    assert.deepEqual(events, [ok('poke', 1), ok('subscribe', 2), ok('poke', 3), ok('poke', 4)]);
  });

  it('say in one line why not', async () => {
    const { put, connect, settle } = open();
    const asked = [
      poke(1, 'refuse'),
      poke(2, 'unknown'),
      poke(3, 'echo', {}, { app: 'nobody' }),
      poke(4, 'echo', {}, { ship: 'zod' }),
      poke(5, 'x', {}, { app: 'bare' }),
      subscribe(6, '/closed'),
      subscribe(7, '/all', { app: 'nobody' }),
      subscribe(8),
      subscribe(8),
      subscribe(9, `/${'x'.repeat(1000)}`),
      subscribe(10, '/\0'),
    ];
    put(NEC, 'a', ...asked);
    await settle();
    assert.deepEqual(connect(NEC, 'a').events, [
      err('poke', 1, 'you may not'),
      err('poke', 2, 'The agent echo knows no mark unknown.'),
      err('poke', 3, 'There is no agent nobody here.'),
      err('poke', 4, 'You are ~nec here, and can ask only its agents.'),
      err('poke', 5, 'The agent bare knows no mark x.'),
      err('subscribe', 6, 'closed'),
      err('subscribe', 7, 'There is no agent nobody here.'),
      ok('subscribe', 8),
      err('subscribe', 8, 'There is a subscription 8 already.'),
      err('subscribe', 9, 'A path has at most 1000 characters.'),
      err('subscribe', 10, 'A path has no NUL.'),
    ]);
  });

  it('say why not at once, however long the reason is', async () => {
    const { put, connect, settle } = open();
    put(NEC, 'a', poke(1, 'refuse', `${' '.repeat(1_000_000)}x\n \n`));
    await settle();
    const [refused] = connect(NEC, 'a').events as { err: string[] }[];
    assert.match(refused?.err[0] ?? '', /cut: 1,000,004 characters/);
  });

  it('tell of an accident in an agent no more than where to find it', async () => {
    const { put, connect, settle } = open();
    put(NEC, 'a', poke(1, 'fail'), poke(2), poke(3, 'busy'));
    await settle();
    const [first, second, third] = connect(NEC, 'a').events as { err?: string[] }[];
    assert.deepEqual(third, err('poke', 3, 'Too much happens; try again.'));
    assert.match(first?.err?.[0] ?? '', /^Internal error, incidentId [\w-]+\.$/);
    assert.deepEqual(second, ok('poke', 2));
  });

  it('ack what nobody tells anything about, and end what is told once', async () => {
    const { put, connect, settle } = open();
    put(NEC, 'a', subscribe(1, '/x', { app: 'bare', ship: '~nec' }), subscribe(2, '/once'));
    put(NEC, 'a', { action: 'unsubscribe', subscription: 2 });
    await settle();
    assert.deepEqual(connect(NEC, 'a').events, [
      ok('subscribe', 1),
      ok('subscribe', 2),
      { ...diff(2, 1), mark: 'm' },
      { id: 2, response: 'quit' },
    ]);
  });

  it('tell facts to all who watch, each under its own number, and after the ack of a poke that runs', async () => {
    const { channels, put, connect, settle, release } = open();
    put(NEC, 'a', subscribe(1), subscribe(2, '/g'));
    put(NEC, 'b', subscribe(7));
    put(BUD, 'a', subscribe(3, '/g', { ship: 'bud' }));
    await settle();
    const [a, b, bud] = [connect(NEC, 'a').events, connect(NEC, 'b').events, connect(BUD, 'a').events];
    put(NEC, 'a', poke(4, 'wait'));
    await settle();
    await channels.tell([change('g'), change('h')]);
    assert.deepEqual(b, [ok('subscribe', 7), diff(7, 'g'), diff(7, 'h')]);
    assert.deepEqual(bud, [ok('subscribe', 3), diff(3, 'g')]);
    assert.deepEqual(a, [ok('subscribe', 1), ok('subscribe', 2)]);
    release();
    await settle();
    assert.deepEqual(a.slice(2), [ok('poke', 4), diff(1, 'g'), diff(2, 'g'), diff(1, 'h')]);
    put(NEC, 'a', { action: 'unsubscribe', subscription: 1 });
    await settle();
    await channels.tell([change('h')]);
    assert.equal(a.length, 6);
  });

  it('tell all that changes from the moment at which it was asked for, when it is allowed', async () => {
    for (const [path, told] of [
      ['/slow', [ok('subscribe', 1), diff(1, 'g'), diff(1, 'h')]],
      ['/slow/closed', [err('subscribe', 1, 'closed')]],
    ] as const) {
      const { channels, put, connect, settle, release } = open();
      put(NEC, 'a', subscribe(1, path));
      await settle();
      const { events } = connect(NEC, 'a');
      await channels.tell([change('g')]);
      assert.deepEqual(events, []);
      release();
      await settle();
      await channels.tell([change('h')]);
      assert.deepEqual(events, told);
    }
  });

  it('end a subscription with too many facts that are not confirmed for long, and leave the others', async () => {
    const { clock, channels, put, connect, settle } = open();
    put(NEC, 'a', subscribe(1), subscribe(2, '/h'));
    await settle();
    const { events } = connect(NEC, 'a');
    for (let n = 0; n < 50; n += 1) await channels.tell([change('g')]);
    await clock.advance(120_000);
    await channels.tell([change('g')]);
    assert.deepEqual(events.slice(-1), [diff(1, 'g')]);
    await clock.advance(1);
    await channels.tell([change('g')]);
    assert.deepEqual(events.slice(-2), [diff(1, 'g'), { id: 1, response: 'quit' }]);
    await channels.tell([change('g'), change('h')]);
    assert.deepEqual(events.slice(-1), [diff(2, 'h')]);
  });

  it('keep all that a client misses which is cut off for a minute, however much is going on', async () => {
    const { clock, channels, put, connect, settle } = open();
    put(NEC, 'a', subscribe(1));
    await settle();
    connect(NEC, 'a');
    const names = Array.from({ length: 600 }, (_, n) => String(n));
    for (const name of names) {
      await channels.tell([change(name)]);
      await clock.advance(100);
    }
    const { events } = connect(NEC, 'a', 0);
    await channels.tell([change('after')]);
    assert.deepEqual(
      events,
      [...names, 'after'].map((name) => diff(1, name)),
    );
  });

  it('end nothing when much happens at once after a long silence', async () => {
    const { clock, channels, put, connect, settle } = open();
    put(NEC, 'a', subscribe(1));
    await settle();
    const { events } = connect(NEC, 'a');
    await clock.advance(3_600_000);
    await channels.tell(Array.from({ length: 100 }, () => change('g')));
    assert.deepEqual(events.slice(-1), [diff(1, 'g')]);
  });

  it('go on with a client that confirms every twenty events', async () => {
    const { clock, channels, put, connect, settle } = open();
    put(NEC, 'a', subscribe(1));
    await settle();
    const { events, state } = connect(NEC, 'a');
    for (let n = 1; n <= 2 * MOST_EVENTS; n += 1) {
      await channels.tell([change(String(n))]);
      if (n % 20 === 0) {
        put(NEC, 'a', { action: 'ack', 'event-id': n });
        await settle();
        await clock.advance(40_000);
      }
    }
    assert.equal(events.length, 1 + 2 * MOST_EVENTS);
    assert.equal(state.hasEnded, false);
  });

  it('are seen by their ship only, under whatever name', async () => {
    const { put, connect, settle } = open();
    put(NEC, 'a', poke(1));
    await settle();
    assert.equal(connect(BUD, 'a').isThere, false);
    put(BUD, 'a', poke(9, 'echo', 9, { ship: 'bud' }));
    await settle();
    assert.deepEqual(connect(BUD, 'a').events, [ok('poke', 9)]);
    assert.deepEqual(connect({ ...NEC, id: 'another session' }, 'a').events, [ok('poke', 1)]);
  });

  it('are forgotten when they are deleted, with what still waits in them', async () => {
    const { put, connect, poked, settle } = open();
    put(NEC, 'a', poke(1));
    await settle();
    const { state } = connect(NEC, 'a');
    put(NEC, 'a', { action: 'delete' }, poke(2));
    await settle();
    assert.deepEqual([poked, state.hasEnded, connect(NEC, 'a').isThere], [[1], true, false]);
  });

  it('begin anew when facts were lost, when their session ends, and when their client means another one', async () => {
    const { channels, put, connect, settle } = open();
    for (const [how, end] of [
      ['gap', () => channels.endAll()],
      ['session', () => channels.endSession(NEC.id)],
      ['name', () => assert.equal(connect(NEC, 'a', 40).isThere, false)],
    ] as const) {
      put(NEC, 'a', subscribe(1));
      await settle();
      const { state } = connect(NEC, 'a');
      end();
      assert.ok(state.hasEnded, how);
      await channels.tell([change('g')]);
      assert.equal(connect(NEC, 'a').isThere, false, how);
    }
  });

  it('are few for each session and ship: the oldest without a stream make room, and those in use do not', async () => {
    const { put, connect, settle } = open();
    for (let n = 0; n < MOST_OF_SESSION; n += 1) put(NEC, `a${n}`, poke(1));
    await settle();
    assert.ok(connect(NEC, 'a0').isThere);
    assert.equal(put(NEC, 'more', poke(1)), 'accepted');
    assert.deepEqual([connect(NEC, 'a0').isThere, connect(NEC, 'a1').isThere], [true, false]);
    for (let n = 2; n < MOST_OF_SESSION; n += 1) connect(NEC, `a${n}`);
    connect(NEC, 'more');
    assert.equal(put(NEC, 'one too many', poke(1)), 'too much');
    const sessionOf = (n: number) => ({ ...NEC, id: String(Math.floor(n / MOST_OF_SESSION)) });
    for (let n = MOST_OF_SESSION; n < MOST_OF_SHIP; n += 1) {
      assert.equal(put(sessionOf(n), `b${n}`, poke(1)), 'accepted');
      connect(sessionOf(n), `b${n}`);
    }
    assert.equal(put({ ...NEC, id: 'another' }, 'c', poke(1)), 'too much');
    assert.equal(put(BUD, 'c', poke(1)), 'accepted');
  });

  it('watch so many paths for a ship, and more when it stops watching', async () => {
    const { put, connect, settle } = open();
    const last = (uid: string) => connect(NEC, uid).events.at(-1);
    for (let n = 0; n < MOST_SUBSCRIPTIONS_OF_SHIP; n += 1) put(NEC, `a${n % 20}`, subscribe(n, `/${n}`));
    await settle();
    put(NEC, 'b', subscribe(1));
    put(BUD, 'b', subscribe(1, '/all', { ship: 'bud' }));
    await settle();
    assert.deepEqual(last('b'), err('subscribe', 1, 'A ship has at most 3000 subscriptions.'));
    assert.deepEqual(connect(BUD, 'b').events, [ok('subscribe', 1)]);
    put(NEC, 'a0', { action: 'unsubscribe', subscription: 0 }, { action: 'unsubscribe', subscription: 0 });
    await settle();
    put(NEC, 'b', subscribe(2), subscribe(3));
    await settle();
    assert.deepEqual(last('b'), err('subscribe', 3, 'A ship has at most 3000 subscriptions.'));
    put(NEC, 'a1', { action: 'delete' });
    await settle();
    put(NEC, 'b', subscribe(4));
    await settle();
    assert.deepEqual(last('b'), ok('subscribe', 4));
  });

  it('keep so much together, also of one change that is told to many', async () => {
    const { channels, put, settle } = open();
    const kept: Channel[] = [];
    let most = 0;
    const stream = {
      write: () => {
        most = Math.max(
          most,
          kept.reduce((sum, channel) => sum + channel.size(), 0),
        );
        return true;
      },
      end: () => {},
    };
    for (let n = 0; n < MOST_OF_SESSION; n += 1) {
      put(NEC, `a${n}`, subscribe(1));
      const channel = channels.attach(NEC, `a${n}`, stream, undefined);
      if (channel) kept.push(channel);
    }
    await settle();
    const mb = 1024 * 1024;
    await channels.tell([change('x'.repeat(3 * mb))]);
    assert.ok(most > 60 * mb && most < 70 * mb, String(most));
  });

  it('let only so much wait behind a poke', async () => {
    const { channels, put, connect, settle, release } = open();
    put(NEC, 'a', poke(1, 'wait'));
    await settle();
    const many = Array.from({ length: MOST_ACTIONS }, (_, n) => poke(n + 2));
    assert.equal(put(NEC, 'a', ...many), 'too much');
    assert.equal(put(NEC, 'a', ...many.slice(1)), 'accepted');
    const large = { ...NEC, id: 'other' };
    put(large, 'b', poke(1, 'wait'));
    await settle();
    const [action] = many;
    const ack = { action: 'ack', eventId: 0 } as const;
    assert.ok(action);
    for (let n = 0; n < 3; n += 1) assert.equal(channels.put(large, 'b', [ack], 1024 ** 2), 'accepted');
    assert.equal(channels.put(large, 'b', [ack], 1024 ** 2), 'too much');
    release();
    await settle();
    assert.ok(connect(NEC, 'b').isThere);
  });

  it('end their streams, when the server ends, after what they were asked for', async () => {
    const { channels, put, connect, settle, release } = open();
    put(NEC, 'a', poke(1, 'wait'));
    put(NEC, 'b', poke(1));
    await settle();
    const [a, b] = [connect(NEC, 'a'), connect(NEC, 'b')];
    const closing = channels.close();
    await settle();
    assert.deepEqual([a.state.hasEnded, b.state.hasEnded], [false, true]);
    release();
    await closing;
    assert.deepEqual([a.events, a.state.hasEnded], [[ok('poke', 1)], true]);
    assert.equal(put(NEC, 'c', poke(1)), 'too much');
  });
});

describe('actions', () => {
  const problemOf = (body: unknown): string => {
    const read = readActions(body);
    return read.ok ? assert.fail('they were read') : read.problem;
  };

  it('that do not fit are refused together, with what is wrong', () => {
    const good = { id: 1, action: 'ack', 'event-id': 3 };
    assert.match(problemOf({}), /not an array/);
    assert.match(problemOf([good, 7]), /Action 1 is not an object/);
    assert.match(problemOf([{ action: 'jump' }]), /is not a poke, subscribe/);
    assert.match(problemOf([{ action: 'ack' }]), /has no whole number event-id/);
    assert.match(problemOf([{ ...poke(1), id: 1.5 }]), /whole number id/);
    assert.match(problemOf([{ ...poke(1), mark: 7 }]), /no text mark/);
    assert.match(problemOf([{ ...poke(1), json: undefined }]), /has no json/);
    assert.match(problemOf([{ ...subscribe(1), path: null }]), /no text path/);
    assert.match(problemOf([{ action: 'unsubscribe' }]), /whole number subscription/);
    assert.match(problemOf(Array.from({ length: MOST_ACTIONS + 1 }, () => good)), /more than 1,000/);
    assert.deepEqual(readActions([]), { ok: true, actions: [] });
    assert.deepEqual(readActions([good]), { ok: true, actions: [{ action: 'ack', eventId: 3 }] });
    assert.equal(readActions([{ ...poke(1), json: null }]).ok, true);
  });
});
