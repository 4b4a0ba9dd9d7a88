// What a hostile one can try at the airlock, with and without a session.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LARGEST } from '../../src/airlock/channels/channel.ts';
import { MOST_OF_SESSION } from '../../src/airlock/channels/channels.ts';
import { MOST_OF_ADDRESS } from '../../src/airlock/sessions/login-attempts.ts';
import { type RequestOptions, send } from '../support/request.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { serveOwn } from './own-server.ts';
import { logIn } from './support.ts';

const MB = 1024 * 1024;
const cleanup = lastFirst({ after });
const APP = 'https://app.example.com';
const own = await serveOwn(cleanup, ['~zod', '~nec'], [APP]);
const nec = await logIn(own, '~nec');

const ask = (path: string, options: RequestOptions = {}) => send(own.url, path, options);
const put = (uid: string, body: string | Buffer, headers: http.OutgoingHttpHeaders = { cookie: nec }) =>
  ask(`/~/channel/${uid}`, { method: 'PUT', headers, body });
const hi = (id: number, more: object = {}) => {
  return { id, action: 'poke', ship: 'nec', app: 'hood', mark: 'helm-hi', json: 'hi', ...more };
};

describe('without a session', () => {
  const DOORS: readonly (readonly [string, string])[] = [
    ['PUT', '/~/channel/x'],
    ['POST', '/~/channel/x'],
    ['GET', '/~/channel/x'],
    ['GET', '/~/scry/hood/kiln/pikes.json'],
    ['POST', '/spider/d/json/reverse/json'],
  ];
  const cookies: readonly (readonly [string, string | undefined])[] = [
    ['no cookie', undefined],
    ['a made up one', 'urbauth-~nec=0v4.ilskp.psv00.t09r0.l8rps.3n97v'],
    ['that of another ship under its name', nec.replace('~nec', '~zod')],
    ['its ship without the secret', 'urbauth-~nec='],
    ['a thousand', Array.from({ length: 200 }, (_, n) => `urbauth-~nec=0v${n}`).join('; ')],
  ];
  for (const [what, cookie] of cookies) {
    it(`with ${what} everything is forbidden, and one is a stranger`, async () => {
      const headers = { ...(cookie !== undefined && { cookie }) };
      for (const [method, path] of DOORS) {
        const reply = await ask(path, { method, headers, ...(method !== 'GET' && { body: '[]' }) });
        assert.equal(reply.status, 403, `${method} ${path}`);
        assert.equal(reply.headers['set-cookie'], undefined);
      }
      const name = await ask('/~/name', { headers });
      assert.match(name.text, /^~[a-z-]{20,}$/);
      assert.equal((await ask('/~/host', { headers })).text, '~zod');
    });
  }

  it('a body is not read, however large, deep or compressed it is', async () => {
    const bodies: readonly (readonly [string | Buffer, http.OutgoingHttpHeaders])[] = [
      ['[['.repeat(5 * MB), {}],
      [Buffer.alloc(10 * MB, '0,'), { 'content-type': 'application/json' }],
      [gzipSync(Buffer.alloc(50 * MB)), { 'content-encoding': 'gzip' }],
      ['not gzip', { 'content-encoding': 'gzip' }],
      ['x', { 'content-encoding': 'zstd' }],
    ];
    for (const [body, headers] of bodies) assert.equal((await put('x', body, headers)).status, 403);
    // What has not come is not waited for.
    for (const path of ['/~/channel/x', '/spider/d/json/reverse/json']) {
      const options = { method: path.startsWith('/~') ? 'PUT' : 'POST', headers: { 'content-length': 10 * MB } };
      assert.equal((await ask(path, { ...options, beginning: '[' })).status, 403);
    }
  });

  it('the form for a login takes 8 KB', async () => {
    const logInWith = (body: string | Buffer, headers: http.OutgoingHttpHeaders = {}) =>
      ask('/~/login', { method: 'POST', body, headers });
    assert.equal((await logInWith('x'.repeat(10 * MB))).status, 413);
    assert.equal((await logInWith(gzipSync(Buffer.alloc(20 * MB)), { 'content-encoding': 'gzip' })).status, 413);
    assert.equal((await logInWith('&'.repeat(8192))).status, 400);
    assert.equal((await logInWith('password=%zz%00')).status, 400);
  });

  it('a flood of logins ends in 429 for its address, also with the right code, and says when to come again', async (t) => {
    const flooded = await serveOwn(t);
    const attempt = (password: string) =>
      send(flooded.url, '/~/login', { method: 'POST', body: `password=${password}` });
    const replies = await Promise.all(
      Array.from({ length: 2 * MOST_OF_ADDRESS }, () => attempt('lidlut-tabwed-pillex-ridrup')),
    );
    assert.equal(replies.filter(({ status }) => status === 400).length, MOST_OF_ADDRESS);
    const limited = await attempt(flooded.codeOf('~nec'));
    assert.deepEqual([limited.status, limited.headers['retry-after']], [429, '60']);
    await flooded.clock.advance(60_000);
    assert.equal((await attempt(flooded.codeOf('~nec'))).status, 204);
  });
});

describe('logging in', () => {
  it('answers what clients and browsers expect, and never leads elsewhere', async () => {
    const code = own.codeOf('~nec');
    const form = (fields: Record<string, string>) =>
      ask('/~/login', { method: 'POST', body: new URLSearchParams(fields).toString() });
    const plain = await form({ password: code });
    assert.equal(plain.status, 204);
    assert.match(
      plain.headers['set-cookie']?.join() ?? '',
      /^urbauth-~nec=0v[\w.]+; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$/,
    );
    const places: readonly (readonly [string, string])[] = [
      ['/apps/x?y=1', '/apps/x?y=1'],
      ['//evil.example', '/'],
      ['https://evil.example', '/'],
      ['/\\evil.example', '/'],
      ['/x\r\nset-cookie: a=b', '/xset-cookie:%20a=b'],
    ];
    for (const [redirect, location] of places) {
      const reply = await form({ password: code, redirect });
      assert.deepEqual([reply.status, reply.headers.location], [303, location]);
    }
    const page = await ask('/~/login?redirect=/"><script>');
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
    assert.doesNotMatch(page.text, /"><script>/);
    assert.match(page.text, /<form method="post" action="\/~\/login">/);
    const wrong = await form({ password: '"><script>' });
    assert.equal(wrong.status, 400);
    assert.doesNotMatch(wrong.text, /<script>/);
  });

  it('ends the session of the browser that had one, and logging out ends it for good', async () => {
    const first = await logIn(own, '~nec');
    const reply = await ask('/~/login', {
      ...{ method: 'POST', body: `password=${own.codeOf('~zod')}` },
      headers: { cookie: first },
    });
    const second = reply.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    const nameOf = async (cookie: string) => (await ask('/~/name', { headers: { cookie } })).text;
    assert.deepEqual([await nameOf(second), await nameOf(`${first}; ${second}`)], ['~zod', '~zod']);
    assert.notEqual(await nameOf(first), '~nec');
    const out = await ask('/~/logout', { method: 'POST', headers: { cookie: second } });
    assert.deepEqual([out.status, out.headers.location], [303, '/~/login']);
    assert.match(out.headers['set-cookie']?.[0] ?? '', /^urbauth-~zod=0v0; .*Max-Age=0/);
    assert.notEqual(await nameOf(second), '~zod');
  });
});

describe('pages of other origins', () => {
  it('may do nothing with the cookie of who looks at them, unless they are named', async () => {
    const cookie = await logIn(own, '~nec');
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', `${APP}.evil.example`]) {
      const headers = { cookie, origin };
      assert.equal((await put('o', '[]', headers)).status, 403, origin);
      assert.equal((await ask('/~/login', { method: 'POST', headers, body: '' })).status, 403);
      assert.equal((await ask('/~/channel/o', { method: 'OPTIONS', headers })).status, 403);
      const read = await ask('/~/scry/hood/kiln/pikes.json', { headers });
      assert.equal(read.headers['access-control-allow-origin'], undefined);
    }
    for (const origin of [own.url, APP]) assert.equal((await put('o', '[]', { cookie, origin })).status, 204, origin);
    const asked = { origin: APP, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-a' };
    const { status, headers } = await ask('/~/channel/o', { method: 'OPTIONS', headers: asked });
    assert.equal(status, 204);
    assert.equal(headers['access-control-allow-origin'], APP);
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.equal(headers['access-control-allow-methods'], 'PUT');
    assert.equal(headers['access-control-allow-headers'], 'x-a');
  });
});

describe('a ship', () => {
  it('gets a clear 400 or 413 for bodies that are no actions', async () => {
    const cases: readonly (readonly [string | Buffer, http.OutgoingHttpHeaders, number])[] = [
      ['', {}, 400],
      ['{', {}, 400],
      ['{}', {}, 400],
      ['[{"action":"jump"}]', {}, 400],
      ['['.repeat(100_000), {}, 400],
      [`[${'{},'.repeat(200_000)}{}]`, {}, 413],
      ['x'.repeat(MB + 1), {}, 413],
      [gzipSync(Buffer.alloc(20 * MB)), { 'content-encoding': 'gzip' }, 413],
      ['x', { 'content-encoding': 'gzip' }, 400],
    ];
    for (const [body, headers, status] of cases) {
      const reply = await put('bad', body, { cookie: nec, ...headers });
      assert.equal(reply.status, status, String(body).slice(0, 20));
      assert.ok(reply.text.length < 2000);
    }
    assert.equal((await put('x'.repeat(300), '[]')).status, 400);
    const large = JSON.stringify([hi(1, { json: 'x'.repeat(MB - 200) })]);
    assert.equal((await put('large', large)).status, 204);
    assert.equal((await put('gzip', gzipSync('[]'), { cookie: nec, 'content-encoding': 'gzip' })).status, 204);
  });

  it('has as many channels as a session may have, however many it opens', async () => {
    const cookie = await logIn(own, '~zod');
    for (let n = 0; n < 1000; n += 50) {
      const batch = Array.from({ length: 50 }, (_, more) => put(`many${n + more}`, '[]', { cookie }));
      for (const { status } of await Promise.all(batch)) assert.equal(status, 204);
    }
    let open = 0;
    const streams: http.ClientRequest[] = [];
    for (let n = 1000 - 2 * MOST_OF_SESSION; n < 1000; n += 1) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const request = http.get(`${own.url}/~/channel/many${n}`, { headers: { cookie }, agent: false }, (response) =>
          resolve(response.statusCode),
        );
        streams.push(request.on('error', reject));
      });
      if (status === 200) open += 1;
    }
    assert.equal(open, MOST_OF_SESSION);
    assert.equal((await put('another', '[]', { cookie })).status, 429);
    for (const request of streams) request.on('error', () => {}).destroy();
  });

  it('does not reach the channels of another', async () => {
    const zod = await logIn(own, '~zod');
    await put('mine', JSON.stringify([hi(1)]));
    assert.equal((await ask('/~/channel/mine', { headers: { cookie: zod } })).status, 404);
    await put('mine', '[{"action":"delete"}]', { cookie: zod });
    const mine = await new Promise<http.IncomingMessage>((resolve) => {
      http.get(`${own.url}/~/channel/mine`, { headers: { cookie: nec } }, resolve);
    });
    assert.equal(mine.statusCode, 200);
    mine.destroy();
  });

  it('that does not read its stream makes nobody hold more than 4 MB for it', async () => {
    const cookie = await logIn(own, '~nec');
    await put(
      'slow',
      JSON.stringify([hi(1), { id: 2, action: 'subscribe', ship: 'nec', app: 'teller', path: '/all' }]),
      {
        cookie,
      },
    );
    const response = await new Promise<http.IncomingMessage>((resolve) => {
      http.get(`${own.url}/~/channel/slow`, { headers: { cookie } }, resolve);
    });
    response.pause();
    const name = `~zod/${'x'.repeat(2000)}`;
    for (let n = 0; n < LARGEST / 2000 / 100; n += 1) await own.tell(...Array.from({ length: 100 }, () => name));
    await eventually('the channel is gone', async () => {
      const again = await ask('/~/channel/slow', { headers: { cookie, 'last-event-id': '0' } });
      return again.status === 404;
    });
    response.destroy();
  });

  it('gets nothing by crooked paths', async () => {
    const read = async (path: string) => (await ask(path, { headers: { cookie: nec } })).status;
    assert.equal(await read('/~/scry/hood/kiln/pikes.json'), 200);
    for (const path of [
      '/~/scry/',
      '/~/scry/hood',
      '/~/scry/hood/kiln/pikes',
      '/~/scry/hood/kiln/pikes.noun',
      '/~/scry/hood//kiln/pikes.json',
      '/~/scry/hood/../hood/kiln/pikes.json',
      '/~/scry/hood%2Fkiln/pikes.json',
      '/~/scry/__proto__/x.json',
      '/~/scry/toString/x.json',
      '/~/scry/channels/v5/chat/~zod/x%00/posts/newest/1/post.json',
      '/~/scry/groups/v2/groups/~zod/x%00.json',
      '/~/scry/chat/v4/club/0v5%00/writs/newest/1.json',
      '/~/scry/contacts/v1/book/0v5%00.json',
      `/~/scry/hood/${'x'.repeat(8000)}.json`,
      '/~/scry/groups/v2/ui/groups/~zod/%00.json',
      '/~/scry/nobody/x.json',
      '/~/nothing',
    ]) {
      assert.equal(await read(path), 404, path);
    }
    assert.equal(await read('/~/scry/hood/%zz.json'), 400);
    assert.equal(await read('/~/scry/hood/%2520.json'), 404);
  });
});
