// What the client does when a call does not go well, and what it refuses to call at all.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { ApiCallError, type ClientOptions, Hooks } from '../../client/index.ts';
import type { Surroundings } from '../../client/surroundings.ts';
import { type Answer, type FakeServer, startFakeServer, urlOfNobody } from './fake-server.ts';
import { createFakeSurroundings } from './fake-surroundings.ts';

const CREDENTIALS = { clientId: 'someone', accessToken: 'do-not-tell-the-token' };
const OK: Answer = { status: 200, json: { taskId: 'T' } };
const BAD_GATEWAY: Answer = { status: 502, text: '<html>', headers: { 'content-type': 'text/html' } };
const UNAVAILABLE: Answer = { status: 503, json: { code: 'ServiceUnavailable', message: 'Not now.' } };

const start = async (
  t: TestContext,
  answers: readonly Answer[],
  options: Partial<ClientOptions> = {},
  settings: Partial<Surroundings> = {},
) => {
  const server = await startFakeServer({ after: (undo) => t.after(undo) }, ...answers);
  const surroundings = createFakeSurroundings(settings);
  const given = { rootUrl: server.url, credentials: CREDENTIALS, timeoutMs: surroundings.timeoutMs, ...options };
  return { server, surroundings, hooks: new Hooks(given, surroundings) };
};

const failure = async (call: Promise<unknown>): Promise<ApiCallError> => {
  const error = await call.then(
    (answer) => new Error(`it was answered: ${JSON.stringify(answer)}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ApiCallError) return error;
  throw error;
};

const noncesOf = ({ asked }: FakeServer) =>
  asked.map(({ headers }) => /nonce="([^"]+)"/.exec(headers.authorization ?? '')?.[1]);

describe('a call', () => {
  it('sends its payload as JSON, signed with its hash, and its query', async (t) => {
    const { server, hooks } = await start(t, [OK, { status: 200, json: { lastFires: [] } }]);
    assert.deepEqual(await hooks.triggerHook('g', 'a/b', { ü: 1 }), { taskId: 'T' });
    await hooks.listLastFires('g', 'h', { limit: 5 });
    const [trigger, list] = server.asked;
    assert.equal(trigger?.verb, 'POST');
    assert.equal(trigger.url, '/api/hooks/v1/hooks/g/a%2Fb/trigger');
    assert.equal(trigger.body, '{"ü":1}');
    assert.equal(trigger.headers['content-type'], 'application/json');
    assert.match(
      trigger.headers.authorization ?? '',
      /^Hawk id="someone", ts="\d+", nonce="[\w-]{12}", hash="[^"]{44}", mac="/,
    );
    assert.equal(list?.verb, 'GET');
    assert.equal(list.url, '/api/hooks/v1/hooks/g/h/last-fires?limit=5');
    assert.equal(list.headers['content-type'], undefined);
    assert.doesNotMatch(list.headers.authorization ?? '', /hash=/);
  });

  it('that is answered by a stream hands on the response as soon as it begins, and a refusal as any other', async (t) => {
    const refusal: Answer = { status: 403, json: { code: 'InsufficientScopes', message: 'No.' } };
    const { hooks } = await start(t, [{ status: 200, text: 'data: 1\n\n' }, refusal, 'begin']);
    const response = await hooks.followFires({ hook: 'g/*' });
    assert.equal(await response.text(), 'data: 1\n\n');
    assert.equal((await failure(hooks.followFires())).code, 'InsufficientScopes');
    await (await hooks.followFires()).body?.cancel();
  });

  it('goes unsigned without credentials', async (t) => {
    for (const credentials of [undefined, {}]) {
      const { server, hooks } = await start(t, [OK], { credentials });
      await hooks.triggerHookWithToken('g', 'h', 'T', {});
      assert.equal(server.asked[0]?.headers.authorization, undefined);
    }
  });

  it('keeps the path below which the server lies', async (t) => {
    const { server, hooks } = await start(t, [OK]);
    await hooks.use({ rootUrl: `${server.url}/below//` }).triggerHook('g', 'h', {});
    assert.equal(server.asked[0]?.url, '/below/api/hooks/v1/hooks/g/h/trigger');
  });

  it('goes through the fetch that it is given', async () => {
    const urls: string[] = [];
    const fetch = async (url: string) => {
      urls.push(url);
      return Response.json({ groups: ['g'] });
    };
    const hooks = new Hooks({ rootUrl: 'https://hooks.example.com', fetch });
    assert.deepEqual(await hooks.listHookGroups(), { groups: ['g'] });
    assert.deepEqual(urls, ['https://hooks.example.com/api/hooks/v1/hooks']);
  });

  it('of a method that answers nothing gives nothing', async (t) => {
    for (const answer of [{ status: 204 }, { status: 200, text: '' }, { status: 200, json: {} }]) {
      const { hooks } = await start(t, [answer]);
      assert.equal(await hooks.removeHook('g', 'h'), undefined);
    }
  });
});

describe('a call that failed for reasons of the moment', () => {
  it('is repeated until it is answered, each time signed anew', async (t) => {
    let seconds = 0;
    const now = () => Date.UTC(2026, 10, 20) + 1000 * seconds++;
    const answers = ['break', UNAVAILABLE, 'break in the middle', BAD_GATEWAY, OK] as const;
    const { server, surroundings, hooks } = await start(t, answers, {}, { now });
    assert.deepEqual(await hooks.triggerHook('g', 'h', { a: 1 }), { taskId: 'T' });
    assert.equal(server.asked.length, 5);
    assert.ok(server.asked.every(({ body }) => body === '{"a":1}'));
    assert.equal(new Set(noncesOf(server)).size, 5);
    assert.equal(
      new Set(server.asked.map(({ headers }) => /ts="(\d+)"/.exec(headers.authorization ?? '')?.[1])).size,
      5,
    );
    assert.deepEqual(surroundings.pauses, [200, 400, 800, 1600]);
    assert.equal(surroundings.heldTimers(), 0);
  });

  it('fails with the last reason once it was repeated as often as allowed', async (t) => {
    const { server, surroundings, hooks } = await start(t, ['break', UNAVAILABLE], { retries: 2 });
    const error = await failure(hooks.hook('g', 'h'));
    assert.deepEqual([error.code, error.statusCode, error.message], ['ServiceUnavailable', 503, 'Not now.']);
    assert.equal(server.asked.length, 3);
    assert.deepEqual(surroundings.pauses, [200, 400]);
    const once = await start(t, [BAD_GATEWAY], { retries: 0 });
    const { code, statusCode, body, message, method } = await failure(once.hooks.hook('g', 'h'));
    assert.deepEqual([code, statusCode, body, method], ['UnknownError', 502, '<html>', 'hook']);
    assert.equal(message, 'hook: refused with status 502');
    assert.equal(once.server.asked.length, 1);
  });

  it('is repeated five times unless it is told otherwise', async (t) => {
    const { server, surroundings, hooks } = await start(t, [UNAVAILABLE]);
    await failure(hooks.hook('g', 'h'));
    assert.equal(server.asked.length, 6);
    assert.deepEqual(surroundings.pauses, [200, 400, 800, 1600, 3200]);
  });

  it('pauses as it is told, and by chance', async (t) => {
    const pausesOf = async (random: number, options: Partial<ClientOptions>) => {
      const { surroundings, hooks } = await start(
        t,
        [UNAVAILABLE],
        { retries: 3, ...options },
        { random: () => random },
      );
      await failure(hooks.hook('g', 'h'));
      return surroundings.pauses;
    };
    assert.deepEqual(await pausesOf(0, {}), [150, 300, 600]);
    assert.deepEqual(
      await pausesOf(1 - Number.EPSILON / 2, { randomizationFactor: 0.5 }).then((all) => all.map(Math.round)),
      [300, 600, 1200],
    );
    assert.deepEqual(
      await pausesOf(0, { randomizationFactor: 0, delayFactor: 1000, maxDelay: 3000 }),
      [2000, 3000, 3000],
    );
  });

  it('is over when no answer comes in time, before it or in the middle of it', async (t) => {
    const { server, surroundings, hooks } = await start(t, ['never', OK]);
    const call = hooks.triggerHook('g', 'h', {});
    await server.wasAsked(1);
    surroundings.expire();
    assert.deepEqual(await call, { taskId: 'T' });

    const expiring = await start(t, ['begin', OK], {
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        expiring.surroundings.expire(); // the head of the answer is here
        return response;
      },
    });
    assert.equal((await failure(expiring.hooks.use({ retries: 0 }).hook('g', 'h'))).code, 'Timeout');

    const late = await start(t, ['never'], { retries: 0 });
    const error = failure(late.hooks.hook('g', 'h'));
    await late.server.wasAsked(1);
    late.surroundings.expire();
    const { code, statusCode, message } = await error;
    assert.deepEqual([code, statusCode, message], ['Timeout', undefined, 'hook: no answer within 12345 ms']);
  });

  it('says what is wrong with the connection', async (t) => {
    const hooks = new Hooks({ rootUrl: await urlOfNobody(), retries: 0 });
    const { code, statusCode, message, cause } = await failure(hooks.hook('g', 'h'));
    assert.deepEqual([code, statusCode], ['ConnectionFailed', undefined]);
    assert.match(message, /^hook: fetch failed: .*ECONNREFUSED/);
    assert.ok(cause instanceof Error);
    const broken = await start(t, ['break'], { retries: 0 });
    assert.match((await failure(broken.hooks.hook('g', 'h'))).message, /fetch failed: other side closed/);
  });
});

describe('a call that the server refuses', () => {
  it('is not repeated, and fails with what the server says', async (t) => {
    for (const status of [400, 401, 403, 404, 409, 410, 413, 429]) {
      const json = { code: 'SomeCode', message: 'Because.', requestInfo: { method: 'hook' } };
      const { server, hooks } = await start(t, [{ status, json }]);
      const error = await failure(hooks.hook('g', 'h'));
      assert.ok(error instanceof Error);
      const { name, code, statusCode, body, message, method } = error;
      assert.deepEqual([name, code, statusCode, method], ['ApiCallError', 'SomeCode', status, 'hook']);
      assert.equal(message, 'Because.');
      assert.deepEqual(body, json);
      assert.equal(server.asked.length, 1);
    }
  });

  it('for its time says that the clocks differ, and guesses nothing', async (t) => {
    const json = { code: 'AuthenticationFailed', message: 'Unauthorized: Stale timestamp' };
    const { server, hooks } = await start(t, [{ status: 401, json }]);
    const { message } = await failure(hooks.hook('g', 'h'));
    assert.match(message, /^Unauthorized: Stale timestamp\n\nThe clocks of this machine and of the server differ/);
    assert.equal(server.asked.length, 1);
  });

  it('is refused too when the answer leads elsewhere', async (t) => {
    const other = await start(t, [OK]);
    const { hooks } = await start(t, [{ status: 302, headers: { location: `${other.server.url}/` } }]);
    const { code, statusCode } = await failure(hooks.hook('g', 'h'));
    assert.deepEqual([code, statusCode], ['UnexpectedRedirect', 302]);
    assert.equal(other.server.asked.length, 0, 'nothing that was signed went to somebody else');
  });

  it('is refused too when a success is not what the method answers', async (t) => {
    const html = { status: 200, text: '<html>Sign in</html>', headers: { 'content-type': 'text/html' } };
    const broken = { status: 200, text: '{"half":', headers: { 'content-type': 'application/json' } };
    for (const answer of [html, broken, { status: 204 }]) {
      const { hooks } = await start(t, [answer]);
      const { code, statusCode } = await failure(hooks.hook('g', 'h'));
      assert.deepEqual([code, statusCode], ['MalformedAnswer', answer.status]);
    }
    const { hooks } = await start(t, [html]);
    assert.equal((await failure(hooks.removeHook('g', 'h'))).code, 'MalformedAnswer');
  });
});

describe('what is secret', () => {
  const TOKEN = "s3cret'/tokén";
  /** An error with all that hangs on it, as somebody would log it. */
  const allOf = (error: Error): string => inspect(error, { depth: 20, showHidden: true });

  it('stays out of errors, even when what answers repeats the URL', async (t) => {
    const url = `/api/hooks/v1/hooks/g/h/trigger/${encodeURIComponent(TOKEN)}`;
    const echo = {
      code: 'NotFound',
      message: `Cannot POST ${url}`,
      requestInfo: { params: { token: TOKEN }, list: [TOKEN, 1, null] },
    };
    const html = { status: 404, text: `<p>${url.replace("'", '%27')}</p>`, headers: { 'content-type': 'text/html' } };
    for (const answer of [{ status: 404, json: echo }, html, 'break'] as const) {
      const { hooks } = await start(t, [answer], { retries: 0 });
      const error = await failure(hooks.triggerHookWithToken('g', 'h', TOKEN, {}));
      assert.doesNotMatch(allOf(error), /s3cret|tokén|tok%/i, 'no trigger token');
      if (answer !== 'break') assert.match(allOf(error), /\(secret\)/);
    }
    const fetch = async (asked: string) => {
      throw new TypeError(`could not fetch ${asked}`);
    };
    const { hooks } = await start(t, [OK], { retries: 0, fetch });
    assert.doesNotMatch(allOf(await failure(hooks.triggerHookWithToken('g', 'h', TOKEN, {}))), /s3cret/);
  });

  it('stays out of what is wrong with the arguments', async () => {
    const hooks = new Hooks({ rootUrl: 'http://127.0.0.1:1' });
    const calls: (() => Promise<unknown>)[] = [
      () => hooks.triggerHookWithToken('g', '', TOKEN, {}),
      () => hooks.triggerHookWithToken('g', 'h', `${TOKEN}\ud800`, {}),
      () => hooks.triggerHookWithToken('g', 'h', { toString: () => TOKEN } as never, {}),
    ];
    for (const call of calls) {
      await assert.rejects(call, (error: Error) => error instanceof TypeError && !/s3cret/.test(allOf(error)));
    }
  });

  it('does not show in a client that is printed, nor in a certificate that cannot be read', async () => {
    const certificate = '{"seed": "do-not-tell-the-seed';
    const hooks = new Hooks({ rootUrl: 'https://hooks.example.com', credentials: CREDENTIALS });
    for (const shown of [inspect(hooks, { depth: 20, showHidden: true }), JSON.stringify(hooks), String(hooks)]) {
      assert.doesNotMatch(shown, /do-not-tell/);
    }
    assert.equal(hooks.rootUrl, 'https://hooks.example.com');
    assert.throws(
      () => hooks.use({ credentials: { ...CREDENTIALS, certificate } }),
      (error: Error) => /certificate/.test(error.message) && !/do-not-tell/.test(allOf(error)),
    );
  });
});

describe('arguments', () => {
  const untyped = (hooks: Hooks) => hooks as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const hooks = new Hooks({
    rootUrl: 'http://127.0.0.1:1',
    credentials: CREDENTIALS,
    fetch: async () => {
      throw new Error('nothing may be sent');
    },
  });

  it('are counted and looked at before anything is sent', async () => {
    const bad: readonly [string, readonly unknown[], RegExp][] = [
      ['hook', ['g'], /hook takes \(hookGroupId, hookId\), but was given 1 arguments/],
      ['hook', ['g', 'h', {}], /but was given 3/],
      ['triggerHook', ['g', 'h'], /triggerHook takes \(hookGroupId, hookId, payload\), but was given 2/],
      ['listLastFires', ['g', 'h', {}, {}], /takes \(hookGroupId, hookId, query\?\), but was given 4/],
      ['listLastFires', ['g', 'h', { limits: 1 }], /takes in its query continuationToken, limit, but not limits/],
      ['listLastFires', ['g', 'h', { limit: {} }], /limit must be a string, not object/],
      ['listLastFires', ['g', 'h', 5], /The query of listLastFires must be an object/],
      ['triggerHook', ['g', 'h', undefined], /payload of triggerHook must be something that JSON can say/],
      ['hook', ['g', undefined], /hookId must be a string, not undefined/],
      ['hook', ['g', null], /hookId must be a string, not null/],
      ['hook', ['g', ''], /hookId must not be empty/],
      ['hook', ['..', 'h'], /hookGroupId must not be empty, nor one or two dots/],
      ['hook', ['\ud800', 'h'], /hookGroupId holds half a character/],
    ];
    for (const [name, args, expected] of bad) {
      await assert.rejects(
        async () => untyped(hooks)[name]?.(...args),
        (error: Error) => {
          assert.ok(error instanceof TypeError, `${name}(${args}) ${error}`);
          assert.match(error.message, expected);
          return true;
        },
      );
    }
    assert.throws(() => hooks.buildUrl(hooks.use as never, 'g'), /must be a method of a client for hooks/);
    assert.throws(() => hooks.buildUrl(hooks.hook, 'g'), /hook takes/);
  });

  it('of a URL may be those of any client of the service, and leave out the payload', () => {
    const other = new Hooks({ rootUrl: 'http://127.0.0.1:2' });
    assert.equal(other.buildUrl(hooks.triggerHook, 'g', 'h'), 'http://127.0.0.1:2/api/hooks/v1/hooks/g/h/trigger');
    const list = other.buildUrl(hooks.listLastFires, 'g', 'h', { limit: 1, continuationToken: undefined });
    assert.equal(list, 'http://127.0.0.1:2/api/hooks/v1/hooks/g/h/last-fires?limit=1');
  });

  it('of a signed URL may say how long it is good for, with and without a query', async () => {
    const surroundings = createFakeSurroundings();
    const client = new Hooks({ rootUrl: 'http://127.0.0.1:2', credentials: CREDENTIALS }, surroundings);
    const goodFor = (signed: string): number => {
      const bewit = new URL(signed).searchParams.get('bewit') ?? '';
      return Number(Buffer.from(bewit, 'base64url').toString().split('\\')[1]) - surroundings.now() / 1000;
    };
    const { listLastFires, hook } = client;
    assert.equal(goodFor(await client.buildSignedUrl(hook, 'g', 'h')), 900);
    assert.equal(goodFor(await client.buildSignedUrl(hook, 'g', 'h', { expiration: 60 })), 60);
    assert.equal(goodFor(await client.buildSignedUrl(listLastFires, 'g', 'h')), 900);
    assert.equal(goodFor(await client.buildSignedUrl(listLastFires, 'g', 'h', { limit: 1 })), 900);
    assert.equal(goodFor(await client.buildSignedUrl(listLastFires, 'g', 'h', { expiration: 60 })), 60);
    const both = await client.buildSignedUrl(listLastFires, 'g', 'h', { limit: 1 }, { expiration: 60 });
    assert.equal(goodFor(both), 60);
    assert.equal(new URL(both).searchParams.get('limit'), '1');

    for (const expiration of [0, -1, 1.5, Number.NaN, '60' as never]) {
      await assert.rejects(client.buildSignedUrl(hook, 'g', 'h', { expiration }), /whole number of seconds/);
    }
    await assert.rejects(client.buildSignedUrl(hook, 'g', 'h', { expiration: 1, more: 2 } as never), /no option more/);
    await assert.rejects(
      client.buildSignedUrl(client.triggerHook, 'g', 'h'),
      /triggerHook cannot be called with a signed URL/,
    );
    await assert.rejects(client.use({ credentials: {} }).buildSignedUrl(hook, 'g', 'h'), /no credentials to sign with/);
  });
});

describe('options', () => {
  const rootUrl = 'https://hooks.example.com';

  it('that are not known, or make no sense, are refused', () => {
    const bad: readonly [object | undefined, RegExp][] = [
      [undefined, /needs options/],
      [{ rootUrl: undefined }, /rootUrl must be/],
      [{ rootUrl: 'hooks.example.com' }, /rootUrl must be/],
      [{ rootUrl: 'ftp://hooks.example.com' }, /rootUrl must be/],
      [{ rootUrl: 'https://me:secret@hooks.example.com' }, /must not have a user/],
      [{ rootUrl: 'https://hooks.example.com?a' }, /a query/],
      [{ timeout: 5 }, /no option timeout/],
      [{ retries: -1 }, /retries must be/],
      [{ retries: 1.5 }, /retries must be/],
      [{ retries: '5' }, /retries must be/],
      [{ timeoutMs: 0 }, /timeoutMs must be/],
      [{ timeoutMs: Number.POSITIVE_INFINITY }, /timeoutMs must be/],
      [{ delayFactor: Number.NaN }, /delayFactor must be/],
      [{ maxDelay: -1 }, /maxDelay must be/],
      [{ randomizationFactor: 1 }, /randomizationFactor must be/],
      [{ fetch: 5 }, /fetch must be/],
      [{ credentials: { clientId: 'a' } }, /accessToken must be/],
      [{ credentials: { accessToken: 'a' } }, /clientId must be/],
      [{ credentials: { clientId: 'a"b', accessToken: 'a' } }, /clientId must be/],
      [{ credentials: CREDENTIALS, authorizedScopes: 'a' }, /authorizedScopes must be an array/],
      [{ authorizedScopes: ['a'] }, /authorizedScopes restricts credentials/],
    ];
    for (const [change, expected] of bad) {
      const options = change && { rootUrl, ...change };
      assert.throws(
        () => new Hooks(options as ClientOptions),
        (error: Error) => {
          assert.ok(error instanceof TypeError);
          assert.match(error.message, expected, JSON.stringify(change));
          return true;
        },
      );
    }
  });

  it('may be changed for a copy, which stays a client of the same kind; what is undefined changes nothing', async (t) => {
    const { server, hooks } = await start(t, [OK], { authorizedScopes: ['a'] });
    const copy = hooks.use({ authorizedScopes: undefined, retries: 0 });
    assert.ok(copy instanceof Hooks);
    assert.equal(typeof copy.lastFires, 'function');
    await copy.triggerHook('g', 'h', {});
    await copy.use({ authorizedScopes: ['b'] }).triggerHook('g', 'h', {});
    const restrictions = server.asked.map(({ headers }) => {
      const ext = /ext="([^"]*)"/.exec(headers.authorization ?? '')?.[1] ?? '';
      return JSON.parse(Buffer.from(ext, 'base64').toString()).authorizedScopes;
    });
    assert.deepEqual(restrictions, [['a'], ['b']]);
  });
});

describe('pages', () => {
  it('are fetched as they are looked at', async (t) => {
    const page = (from: number, continuationToken?: string): Answer => ({
      status: 200,
      json: { lastFires: [{ taskId: `${from}` }, { taskId: `${from + 1}` }], continuationToken },
    });
    const { server, hooks } = await start(t, [page(0, 'x/y'), page(2, 'z'), page(4)]);
    const seen: string[] = [];
    for await (const { taskId } of hooks.lastFires('g', 'h', { pageSize: 2 })) {
      seen.push(taskId);
      if (seen.length === 2) assert.equal(server.asked.length, 1);
    }
    assert.deepEqual(seen, ['0', '1', '2', '3', '4', '5']);
    const queries = server.asked.map(({ url }) => url.split('?')[1]);
    assert.deepEqual(queries, ['limit=2', 'limit=2&continuationToken=x%2Fy', 'limit=2&continuationToken=z']);
  });
});
