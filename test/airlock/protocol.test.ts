// The protocol of the airlock, as the real clients speak it.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, describe, it } from 'node:test';
import type { Urbit } from '@urbit/http-api';
import { KEEP_ALIVE_MS } from '../../src/airlock/channels/channel.ts';
import type { Cleanup } from '../support/database.ts';
import { send } from '../support/request.ts';
import { newFolder } from '../support/server.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { openLine, serveOwn } from './own-server.ts';
import {
  type Airlock,
  connectTlonApi,
  connectUrbit,
  logIn,
  NEEDS_TLON,
  pokeWith,
  runTlon,
  runTlonWith,
  serveAirlock,
} from './support.ts';

const cleanup = lastFirst({ after });
const own = await serveOwn(cleanup);

/** All facts that have come on `/all`, and how often the subscription ended. */
const watchAll = async (urbit: Urbit) => {
  const facts: unknown[] = [];
  const state = { quits: 0 };
  const subscribe = (): Promise<number> =>
    urbit.subscribe({
      ...{ app: 'teller', path: '/all' },
      event: (json: unknown) => void facts.push(json),
      quit: () => {
        state.quits += 1;
        void subscribe();
      },
    });
  const id = await subscribe();
  await pokeWith(urbit, 'hood', 'helm-hi', ''); // the subscription was acked before
  return { facts, state, id };
};

const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, n) => `~zod/g${from + n}`);

describe('@urbit/http-api', () => {
  it('is told when a poke is done, and why one is refused', async (t) => {
    const urbit = await connectUrbit(t, own, '~nec');
    await pokeWith(urbit, 'teller', 'echo', 1);
    await assert.rejects(pokeWith(urbit, 'nobody', 'x', {}), /There is no agent nobody here/);
    await assert.rejects(pokeWith(urbit, 'teller', 'x', {}), /knows no mark x/);
    await assert.rejects(pokeWith(urbit, 'teller', 'refuse', 'not today'), /not today/);
  });

  it('reads and runs threads', async (t) => {
    const urbit = await connectUrbit(t, own, '~nec');
    assert.deepEqual(await urbit.scry({ app: 'teller', path: '/of/a//b.c' }), { path: '/of/a//b.c', ship: '~nec' });
    await assert.rejects(urbit.scry({ app: 'teller', path: '/x' }), { status: 404 });
    const thread = { desk: 'd', inputMark: 'json', outputMark: 'json', threadName: 'reverse' };
    assert.deepEqual(await urbit.thread({ ...thread, body: [1, 2] }), [2, 1]);
  });

  it('is told what changes, in order, until it unsubscribes', async (t) => {
    const urbit = await connectUrbit(t, own, '~nec');
    const { facts, id } = await watchAll(urbit);
    await own.tell(...names(1, 60)); // it confirms every twenty
    await eventually('all have come', () => facts.length === 60);
    assert.deepEqual(facts, names(1, 60));
    await urbit.unsubscribe(id);
    await pokeWith(urbit, 'hood', 'helm-hi', '');
    await own.tell('~zod/more');
    await pokeWith(urbit, 'hood', 'helm-hi', '');
    assert.equal(facts.length, 60);
    assert.equal(await urbit.subscribeOnce('teller', '/once'), 'once');
  });

  it('misses nothing, and gets nothing twice, when its line is cut', async (t) => {
    const line = await openLine(t, own.url);
    const urbit = await connectUrbit(t, { ...own, url: line.url }, '~nec');
    const { facts, state } = await watchAll(urbit);
    for (let n = 0; n < 3; n += 1) {
      await own.tell(...names(20 * n + 1, 20 * n + 10));
      line.cut();
      await own.tell(...names(20 * n + 11, 20 * n + 20));
      await eventually('all have come', () => facts.length === 20 * (n + 1));
    }
    assert.deepEqual(facts, names(1, 60));
    assert.equal(state.quits, 0);
  });

  it('begins anew by itself after a restart of the server, whether it asks or listens first', async (t) => {
    const undo = lastFirst(t);
    const restarted = await serveOwn(undo);
    for (const asksFirst of [false, true]) {
      const urbit = await connectUrbit(undo, restarted, '~nec');
      const { facts, state } = await watchAll(urbit);
      await restarted.tell('~zod/before');
      await eventually('it has come', () => facts.length === 1);
      await restarted.restart();
      if (asksFirst) {
        // What it asks goes to a channel of the same name, that is another one. It may be told so.
        await pokeWith(urbit, 'hood', 'helm-hi', '').catch(() => {});
      }
      await eventually('it subscribes again', () => state.quits > 0);
      await pokeWith(urbit, 'hood', 'helm-hi', '');
      await restarted.tell('~zod/after');
      await eventually('it has come', () => facts.length > 1);
      assert.deepEqual(facts, ['~zod/before', '~zod/after']);
    }
  });
});

describe('@tloncorp/api', () => {
  it('logs in, pokes, reads and runs threads', async (t) => {
    const nec = await connectTlonApi(t, own, '~nec');
    await nec.call('poke', { app: 'teller', mark: 'echo', json: 'hello' });
    await assert.rejects(nec.call('poke', { app: 'teller', mark: 'refuse', json: 'not today' }), /not today/);
    assert.deepEqual(await nec.call('scry', { app: 'teller', path: '/of/x' }), { path: '/of/x', ship: '~nec' });
    const thread = { desk: 'd', inputMark: 'json', outputMark: 'json', threadName: 'reverse' };
    assert.deepEqual(await nec.call('thread', { ...thread, body: [1, 2] }), [2, 1]);
  });

  it('is told what changes, also after its line was cut', async (t) => {
    const line = await openLine(t, own.url);
    const nec = await connectTlonApi(t, { ...own, url: line.url }, '~nec');
    const facts = await nec.listen('subscribe', { app: 'teller', path: '/all' });
    await nec.call('poke', { app: 'hood', mark: 'helm-hi', json: '' });
    await own.tell(...names(1, 5));
    await eventually('five have come', () => facts.length === 5);
    line.cut();
    await own.tell(...names(6, 30));
    await eventually('all have come', () => facts.length === 30);
    assert.deepEqual(facts, names(1, 30));
  });

  it('logs in again when its session has ended, and goes on', async (t) => {
    const undo = lastFirst(t);
    const other = await serveOwn(undo);
    const nec = await connectTlonApi(undo, other, '~nec');
    const cookie = await logIn(other, '~nec');
    await send(other.url, '/~/logout', { method: 'POST', headers: { cookie }, body: 'all=' });
    assert.deepEqual(await nec.call('scry', { app: 'teller', path: '/of/x' }), { path: '/of/x', ship: '~nec' });
    const poke = () => nec.call('poke', { app: 'teller', mark: 'echo', json: 'hello' });
    await poke().catch(() => {}); // it is told that its channel is not there any more
    await poke();
  });
});

describe('the tlon command', NEEDS_TLON, () => {
  it('logs in to a server as it is started, with a code', async (t) => {
    const ran = await runTlon(t, await serveAirlock(t, ['~zod']), '~zod', 'hooks', 'init', 'greeter');
    assert.equal(ran.status, 0, ran.stderr + ran.stdout);
  });

  it('logs in with a cookie, again with its code when that is dead, and says what is wrong', async (t) => {
    const run = async (flags: readonly string[], ...command: readonly string[]) => {
      const { status, stdout, stderr } = await runTlonWith(await newFolder(t), [
        ...['--url', own.url, '--ship', '~zod'],
        ...flags,
        ...command,
      ]);
      return { status, said: stdout + stderr };
    };
    const [good, dead] = [await logIn(own, '~zod'), 'urbauth-~zod=0v4.ilskp.psv00.t09r0.l8rps.3n97v'];
    const code = own.codeOf('~zod');
    for (const flags of [
      ['--cookie', good],
      ['--cookie', dead, '--code', code],
    ]) {
      const { status, said } = await run(flags, 'hooks', 'init', 'greeter');
      assert.equal(status, 0, said);
    }
    const refused = [
      [['--cookie', dead], /Unable to authenticate/],
      [['--code', 'lidlut-tabwed-pillex-ridrup'], /Login failed with status 400/],
      [['--code', own.codeOf('~nec')], /invalid session/],
    ] as const;
    for (const [flags, pattern] of refused) {
      const { status, said } = await run(flags, 'hooks', 'list');
      assert.equal(status, 1, said);
      assert.match(said, pattern);
    }
  });
});

/** The stream of a channel, as bytes. */
const openStream = async (t: Cleanup, { url }: Airlock, uid: string, headers: http.OutgoingHttpHeaders) => {
  const request = http.get(`${url}/~/channel/${uid}`, { headers });
  t.after(async () => void request.destroy());
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  const state = { text: '', hasEnded: false };
  response.setEncoding('utf8').on('data', (text: string) => {
    state.text += text;
  });
  response.on('close', () => {
    state.hasEnded = true;
  });
  return { response, state };
};

describe('an event stream', () => {
  const put = (cookie: string, uid: string, actions: unknown) =>
    send(own.url, `/~/channel/${uid}`, { method: 'PUT', headers: { cookie }, body: JSON.stringify(actions) });
  const hi = { id: 1, action: 'poke', ship: 'nec', app: 'hood', mark: 'helm-hi', json: 'hi' };

  it('begins at once, passes proxies as it is, and says something every 15 s', async (t) => {
    const cookie = await logIn(own, '~nec');
    assert.equal((await put(cookie, 'k', [])).status, 204);
    const { response, state } = await openStream(t, own, 'k', { cookie, 'accept-encoding': 'gzip' });
    assert.equal(response.headers['content-type'], 'text/event-stream');
    assert.equal(response.headers['x-accel-buffering'], 'no');
    assert.equal(response.headers['content-encoding'], undefined);
    assert.equal(response.headers['access-control-allow-origin'], undefined);
    await own.clock.advance(KEEP_ALIVE_MS);
    await eventually('it says something', () => state.text === ':\n');
    await put(cookie, 'k', [hi]);
    await eventually('the ack comes', () => state.text === ':\nid: 0\ndata: {"ok":"ok","id":1,"response":"poke"}\n\n');
  });

  it('takes the place of the one before, and ends with its channel or its session', async (t) => {
    for (const end of ['another', 'delete', 'logout', 'code'] as const) {
      const cookie = await logIn(own, '~nec');
      await put(cookie, end, [hi]);
      const { state } = await openStream(t, own, end, { cookie });
      if (end === 'another') await openStream(t, own, end, { cookie });
      if (end === 'delete') await put(cookie, end, [{ id: 2, action: 'delete' }]);
      if (end === 'logout') await send(own.url, '/~/logout', { method: 'POST', headers: { cookie } });
      if (end === 'code') await own.resetCode('~nec');
      await eventually(`it ends: ${end}`, () => state.hasEnded);
    }
  });

  it('keeps no server from ending', async (t) => {
    const server = await serveAirlock(t, ['~zod']);
    const cookie = await logIn(server, '~zod');
    await send(server.url, '/~/channel/end', { method: 'PUT', headers: { cookie }, body: '[]' });
    const { state } = await openStream(t, server, 'end', { cookie });
    server.process.kill('SIGTERM');
    assert.deepEqual(await server.exit, [0, null]);
    assert.ok(state.hasEnded);
    assert.doesNotMatch(server.said(), /work under way/);
  });

  it('is 404 for a channel that is not there, 406 for nouns', async () => {
    const cookie = await logIn(own, '~zod');
    const get = (path: string, headers = {}) => send(own.url, path, { headers: { cookie, ...headers } });
    assert.equal((await get('/~/channel/none')).status, 404);
    assert.equal((await get('/~/channel/none', { 'x-channel-format': 'application/x-urb-jam' })).status, 406);
    assert.equal((await get('/~/channel-jam/none')).status, 406);
    const body = '0w1';
    const jam = { cookie, 'content-type': 'application/x-urb-jam' };
    for (const path of ['/~/channel/j', '/~/channel-jam/j']) {
      assert.equal((await send(own.url, path, { method: 'PUT', headers: jam, body })).status, 400);
    }
  });
});
