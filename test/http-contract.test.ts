// The HTTP protocol below the clients: order of checks, error envelopes, headers, bodies.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { ECHO_SCOPES, echoHook, rootClients, taskcluster } from './support/client.ts';
import { authorization, type Reply, type RequestOptions, send } from './support/request.ts';
import { type Server, serveQuickly } from './support/server.ts';
import { lastFirst } from './support/wait.ts';

const cleanup = lastFirst({ after });
const B = '/api/hooks/v1';
const H = `${B}/hooks/g/h`;
const JSON_TYPE = { 'content-type': 'application/json' };
const MB = 1024 * 1024;

let server: Server;
before(async () => {
  server = await serveQuickly(cleanup);
  const { hooks, auth } = rootClients(server.credentials);
  await hooks.createHook('g', 'h', echoHook());
  await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
  for (let i = 0; i < 3; i += 1) await hooks.triggerHook('g', 'h', { i });
});

const anonymous = (path: string, options: RequestOptions = {}): Promise<Reply> => send(server.url, path, options);
const signed = (path: string, options: RequestOptions = {}): Promise<Reply> =>
  anonymous(path, { credentials: server.credentials, ...options });
const put = (body: RequestOptions['body'], headers: RequestOptions['headers'] = JSON_TYPE): RequestOptions => ({
  method: 'PUT',
  headers,
  ...(body !== undefined && { body }),
});

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * A request that says it has 11 MB. It does not send them: an answer that comes early and a body on
 * its way may miss each other.
 */
const announceTooMuch: RequestOptions = {
  method: 'PUT',
  headers: { ...JSON_TYPE, 'content-length': 11 * MB },
  withoutEnd: true,
};

/** Checks the envelope and its footer, and returns the message without it. */
const messageOf = (reply: Reply, status: number, code: string, method: string): string => {
  assert.equal(reply.status, status, reply.text);
  const { code: given, message, requestInfo } = reply.json;
  assert.equal(given, code);
  assert.deepEqual(Object.keys(reply.json), ['code', 'message', 'requestInfo']);
  assert.match(requestInfo.time, TIME);
  assert.equal(requestInfo.method, method);
  const footer = [
    '',
    '---',
    '',
    `* method:     ${method}`,
    `* errorCode:  ${code}`,
    `* statusCode: ${status}`,
    `* time:       ${requestInfo.time}`,
  ].join('\n');
  assert.ok(message.endsWith(`\n${footer}`), message);
  return message.slice(0, -footer.length - 1);
};

describe('an answer', () => {
  const EVERY_REPLY = {
    'content-security-policy': "report-uri /__cspreport__;default-src 'none';frame-ancestors 'none';",
    'x-content-type-options': 'nosniff',
    'access-control-allow-origin': '*',
    'access-control-max-age': '900',
    'access-control-allow-methods': 'OPTIONS,GET,HEAD,POST,PUT,DELETE,TRACE,CONNECT',
    'access-control-request-method': '*',
    'access-control-allow-headers':
      'X-Requested-With,Content-Type,Authorization,Accept,Origin,Cache-Control,Idempotency-Key',
    'access-control-expose-headers': 'Idempotent-Replayed',
    'cache-control': 'no-store no-cache must-revalidate',
    'content-type': 'application/json; charset=utf-8',
    'keep-alive': 'timeout=90',
  };

  it('carries the same headers whatever it says', async () => {
    const replies = [
      await anonymous(`${B}/ping`),
      await signed(H),
      await anonymous(H),
      await anonymous('/nope'),
      await anonymous(`${B}/hooks/%zz/h`),
      await signed(H, put('{')),
      await signed(H, announceTooMuch),
      await signed(H, { credentials: { clientId: 'root', accessToken: 'wrong' } }),
    ];
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 200, 403, 404, 400, 400, 413, 401],
    );
    for (const { headers, status } of replies) {
      const { 'keep-alive': keepAlive, ...expected } = EVERY_REPLY;
      for (const [name, value] of Object.entries(expected))
        assert.equal(headers[name], value, `${name} of a ${status}`);
      if (status !== 413) assert.equal(headers['keep-alive'], keepAlive); // there the connection may be given up
      assert.match(String(headers['x-for-request-id']), UUID);
      assert.match(String(headers['x-for-trace-id']), UUID);
    }
    const ids = new Set(replies.map(({ headers }) => headers['x-for-request-id']));
    assert.equal(ids.size, replies.length, 'each request has an id of its own');
  });

  it('echoes the trace id of the request if it is one', async () => {
    const traced = async (traceId: string) => {
      const { headers } = await anonymous(`${B}/ping`, { headers: { 'x-taskcluster-trace-id': traceId } });
      assert.match(String(headers['x-for-request-id']), UUID);
      return headers['x-for-trace-id'];
    };
    assert.equal(await traced('abc-7'), 'abc-7');
    for (const bad of ['a b', 'x'.repeat(201), 'é']) assert.match(String(await traced(bad)), UUID);
  });

  it('is indented by two', async () => {
    for (const reply of [
      await anonymous(`${B}/ping`),
      await signed(H),
      await anonymous(H),
      await anonymous('/nope'),
      await anonymous(`${B}/%zz`),
    ]) {
      assert.equal(reply.text, JSON.stringify(reply.json, null, 2));
    }
  });

  it('to a webhook ends with a line break, for shells and logs that show it as it comes', async () => {
    const { hooks } = rootClients(server.credentials);
    const { task } = echoHook();
    await hooks.createHook('g', 'webhook', echoHook({ task: { ...task, payload: {} } }));
    const { token } = await hooks.getTriggerToken('g', 'webhook');
    const webhook = { method: 'POST', headers: JSON_TYPE, body: '{}' };
    for (const secret of [token, 'x'.repeat(22)]) {
      const { text, json, headers } = await anonymous(`${B}/hooks/g/webhook/trigger/${secret}`, webhook);
      assert.equal(text, `${JSON.stringify(json, null, 2)}\n`);
      assert.equal(headers['content-length'], String(Buffer.byteLength(text)));
    }
  });

  it('is not indented where that would make it many times as long', async () => {
    const { text, json } = await signed(H, put(`${'['.repeat(400)}${']'.repeat(400)}`));
    assert.equal(text, JSON.stringify(json));
    const large = await signed(H, put(JSON.stringify({ metadata: Array.from({ length: 9 }, () => 0) })));
    assert.equal(large.text, JSON.stringify(large.json, null, 2));
  });

  it('to HEAD is that to GET without the body', async () => {
    for (const path of [`${B}/ping`, H, `${B}/hooks/g/nope`]) {
      const [get, head] = [await signed(path), await signed(path, { method: 'HEAD' })];
      assert.deepEqual([head.status, head.text], [get.status, '']);
      assert.equal(head.headers['content-type'], get.headers['content-type']);
    }
    assert.equal(
      (await signed(H, { method: 'HEAD' })).headers['content-length'],
      String((await signed(H)).text.length),
    );
    assert.equal((await anonymous(H, { method: 'HEAD' })).status, 403);
  });

  it('to OPTIONS names the methods, so that browsers may ask', async () => {
    const reply = await anonymous(H, { method: 'OPTIONS' });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['content-type'], 'text/plain');
    assert.equal(reply.text, 'DELETE, GET, HEAD, POST, PUT');
    assert.equal(reply.headers.allow, reply.text);
    assert.equal(reply.headers['access-control-allow-origin'], '*');
    assert.equal((await anonymous(`${B}/nope`, { method: 'OPTIONS' })).status, 404);
  });

  it('names who asks for it, so that a cache does not give it to who cannot read it', async () => {
    for (const reply of [await anonymous(`${B}/ping`), await signed(H), await anonymous(H), await anonymous('/nope')]) {
      assert.equal(reply.headers.vary, 'Accept-Encoding');
    }
  });
});

describe('an answer that its caller may have already', () => {
  const etagOf = ({ headers }: Reply) => String(headers.etag);
  const asking = (path: string, tag: string, more: RequestOptions = {}) =>
    signed(path, { ...more, headers: { 'if-none-match': tag, ...more.headers } });

  it('has a weak ETag of its length and its SHA-1, whatever its status', async () => {
    assert.equal(etagOf(await anonymous('/nope')), 'W/"1a-ykZVNVMh2MLeLpmoxdM4VvDecWI"'); // as the reference service says it
    for (const reply of [
      await anonymous(`${B}/ping`),
      await signed(H),
      await anonymous(H),
      await anonymous(`${B}/%zz`),
    ]) {
      const hash = createHash('sha1').update(reply.text).digest('base64').slice(0, 27);
      assert.equal(etagOf(reply), `W/"${Buffer.byteLength(reply.text).toString(16)}-${hash}"`);
      assert.equal(reply.headers['content-length'], String(Buffer.byteLength(reply.text)));
    }
  });

  it('is not sent again', async () => {
    const tag = etagOf(await signed(H));
    for (const known of [tag, tag.slice(2), `"x", ${tag}`, `"x",${tag},"y"`, '*']) {
      const reply = await asking(H, known);
      assert.deepEqual([reply.status, reply.text], [304, ''], known);
      assert.equal(etagOf(reply), tag);
      assert.equal(reply.headers.vary, 'Accept-Encoding');
      assert.equal(reply.headers['content-type'], undefined);
      assert.equal(reply.headers['content-length'], undefined);
    }
    assert.equal((await asking(H, tag, { method: 'HEAD' })).status, 304);
  });

  it('is sent when it is another, when the caller wants it all the same, and when it is no success', async () => {
    const tag = etagOf(await signed(H));
    assert.equal((await asking(H, '"f6a-LN0p7QcSVJdkZ7HP0DAkowhcLfQ"')).status, 200);
    assert.equal((await asking(H, tag, { headers: { 'cache-control': 'no-cache' } })).status, 200);
    assert.equal((await asking('/nope', etagOf(await anonymous('/nope')))).status, 404);
    const trigger = { method: 'POST', body: '{}', headers: JSON_TYPE };
    assert.equal((await asking(`${H}/trigger`, '*', trigger)).status, 200);
  });

  it('is not told to who may not have it', async () => {
    const tag = etagOf(await signed(H));
    assert.equal((await anonymous(H, { headers: { 'if-none-match': tag } })).status, 403);
  });
});

describe('a large answer', () => {
  const LARGE = `${B}/hooks/g/large`;
  const task = { payload: { text: 'a sentence that comes again and again. '.repeat(100) } };
  before(() => rootClients(server.credentials).hooks.createHook('g', 'large', echoHook({ task })));

  const receive = async (path: string, acceptEncoding: string | undefined, method = 'GET') => {
    const { headers, body } = await sendForBytes(path, acceptEncoding, method);
    return { headers, body, coding: headers['content-encoding'] };
  };
  const sendForBytes = (path: string, acceptEncoding: string | undefined, method: string) =>
    new Promise<{ headers: IncomingHttpHeaders; body: Buffer }>((resolve, reject) => {
      const { hostname, port } = new URL(server.url);
      const headers = {
        authorization: authorization(`${server.url}${path}`, method, { credentials: server.credentials }),
        ...(acceptEncoding !== undefined && { 'accept-encoding': acceptEncoding }),
      };
      const sent = request({ hostname, port, path, method, headers }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        resolve({ headers: response.headers, body: Buffer.concat(chunks) });
      });
      sent.on('error', reject).end();
    });

  it('is compressed in the way that its reader likes best, and only when asked', async () => {
    const plain = await receive(LARGE, undefined);
    assert.equal(plain.coding, undefined);
    const cases = [
      ['gzip', 'gzip', gunzipSync],
      ['x-gzip', 'gzip', gunzipSync],
      ['br', 'br', brotliDecompressSync],
      ['GZIP, deflate, br', 'br', brotliDecompressSync],
      ['gzip;q=1, br;q=0.5', 'gzip', gunzipSync],
      ['gzip;q=0.1, *;q=0.5', 'br', brotliDecompressSync],
      ['br;q=0, *', 'gzip', gunzipSync],
    ] as const;
    for (const [accepted, coding, undo] of cases) {
      const squeezed = await receive(LARGE, accepted);
      assert.equal(squeezed.coding, coding, accepted);
      assert.deepEqual(undo(squeezed.body), plain.body);
      assert.equal(squeezed.headers['content-length'], String(squeezed.body.length));
      assert.equal(squeezed.headers.etag, plain.headers.etag);
      assert.ok(squeezed.body.length < plain.body.length / 4);
    }
    for (const accepted of [
      '',
      'identity',
      'deflate',
      'zstd',
      'gzip;q=0',
      'gzip;q=0.5, identity',
      'gzip;q=x',
      '*;q=0',
    ]) {
      const { coding, body } = await receive(LARGE, accepted);
      assert.equal(coding, undefined, accepted);
      assert.deepEqual(body, plain.body);
    }
  });

  it('is not compressed for HEAD, nor a small one for anybody', async () => {
    const head = await receive(LARGE, 'gzip, br', 'HEAD');
    assert.deepEqual([head.coding, head.body.length], [undefined, 0]);
    assert.equal(head.headers['content-length'], (await receive(LARGE, undefined)).headers['content-length']);
    assert.equal((await receive(`${B}/ping`, 'gzip, br')).coding, undefined);
  });
});

describe('monitoring', () => {
  it('is the same for every service, and needs no credentials', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    for (const service of ['hooks', 'queue', 'auth']) {
      const at = async (path: string) => (await anonymous(`/api/${service}/v1${path}`)).json;
      const { alive, uptime } = await at('/ping');
      assert.ok(alive && uptime >= 0 && uptime < 3_600);
      assert.deepEqual(await at('/__lbheartbeat__'), {});
      assert.deepEqual(await at('/__heartbeat__'), {});
      const told = await at('/__version__');
      assert.deepEqual(Object.keys(told), ['version', 'commit', 'source', 'build']);
      assert.equal(told.version, version);
    }
  });
});

describe('a path', () => {
  it('may end in a slash', async () => {
    assert.equal((await anonymous(`${B}/ping/`)).status, 200);
    assert.equal((await signed(`${H}/`)).json.hookId, 'h');
    assert.equal((await signed(`${H}/last-fires/?limit=1`)).status, 200);
  });

  it('that leads nowhere, or not with this method, is 404 without a code', async () => {
    const replies = [
      await anonymous('/nope'),
      await anonymous('/api/hooks/v1'),
      await anonymous(`${B}/nope`),
      await anonymous(`${B}/Ping`),
      await anonymous('/api/nope/v1/ping'),
      await anonymous('/api/hooks/v2/ping'),
      await anonymous(`${B}/hooks/g/a/b/c`),
      await anonymous(`${B}/ping`, { method: 'POST' }),
      await signed(H, { method: 'PATCH' }),
      await signed(`${H}/trigger`),
    ];
    for (const reply of replies) assert.deepEqual([reply.status, reply.json], [404, { error: 'Not found' }]);
  });

  it('with a slash in an id takes it percent-encoded only', async () => {
    await rootClients(server.credentials).hooks.createHook('g', 'with/slash', echoHook());
    assert.equal((await signed(`${B}/hooks/g/with%2Fslash`)).json.hookId, 'with/slash');
    assert.equal((await signed(`${B}/hooks/g/with%2fslash`)).json.hookId, 'with/slash');
    assert.equal((await signed(`${B}/hooks/g/with/slash`)).status, 404);
    // Encoded twice it is another name, which is no hook's.
    messageOf(await signed(`${B}/hooks/g/with%252Fslash`), 400, 'InvalidRequestArguments', 'hook');
  });

  it('that cannot be decoded is a bad argument', async () => {
    for (const path of [`${B}/hooks/%zz/h`, `${B}/hooks/g/%`, `${B}/hooks/g/%ff`, `${B}/hooks/g/a%2`, '/%zz']) {
      for (const reply of [await anonymous(path), await signed(path)]) {
        assert.match(messageOf(reply, 400, 'InvalidRequestArguments', ''), /^Invalid URL: /);
      }
    }
  });

  it('whose parameters do not match says which and why', async () => {
    const reply = await signed(`${B}/hooks/ct.group/${'h'.repeat(1001)}`);
    assert.equal(
      messageOf(reply, 400, 'InvalidRequestArguments', 'hook'),
      "Invalid URL patterns:\nURL parameter 'hookGroupId' given as 'ct.group' must match regular expression: '/^[a-zA-Z0-9-_]{1,1000}$/'\n" +
        `URL parameter 'hookId' given as '${'h'.repeat(1001)}' must match regular expression: '/^[a-zA-Z0-9-_/]{1,1000}$/'`,
    );
    assert.deepEqual(reply.json.requestInfo.params, { hookGroupId: 'ct.group', hookId: 'h'.repeat(1001) });
  });

  it('may be as long as a request line: it is still the pattern that says what is wrong, after the scopes', async () => {
    for (const length of [1_001, 7_000, 12_000]) {
      const path = `${B}/hooks/g/${'h'.repeat(length)}`;
      messageOf(await anonymous(path), 403, 'InsufficientScopes', 'hook');
      assert.match(messageOf(await signed(path), 400, 'InvalidRequestArguments', 'hook'), /^Invalid URL patterns:/);
    }
    const longest = 'h'.repeat(1_000);
    messageOf(await signed(`${B}/hooks/${'g'.repeat(1_000)}/${longest}`), 404, 'ResourceNotFound', 'hook');
    messageOf(await signed(`${B}/hooks/g/${'%68'.repeat(1_000)}`), 404, 'ResourceNotFound', 'hook');
  });

  it('may name what every JavaScript object has', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const reply = await signed(`${B}/hooks/${name}/${name}`);
      assert.equal(messageOf(reply, 404, 'ResourceNotFound', 'hook'), 'No such hook');
    }
  });
});

describe('the order of checks', () => {
  const limited = (scopes: string[], path: string, options: RequestOptions = {}) => {
    const { clientId, accessToken } = server.credentials;
    const certified = taskcluster.createTemporaryCredentials({
      credentials: { clientId, accessToken },
      scopes,
      ...lifetime(),
    });
    const ext = Buffer.from(JSON.stringify({ certificate: JSON.parse(certified.certificate) })).toString('base64');
    return anonymous(path, { credentials: { clientId, accessToken: certified.accessToken }, ext, ...options });
  };
  const lifetime = () => ({ start: taskcluster.fromNow('-1 hour'), expiry: taskcluster.fromNow('1 hour') });

  it('is body, scopes, path, query, content type and schema, what is stored', async () => {
    const bad = `${B}/hooks/ct.group/h`;
    const steps: [Promise<Reply>, number, string][] = [
      [anonymous(`${bad}?x=1`, put('{')), 400, 'MalformedPayload'],
      [anonymous(`${bad}?x=1`, put('{}')), 403, 'InsufficientScopes'],
      [limited([], `${bad}?x=1`, put('{}')), 403, 'InsufficientScopes'],
      [signed(`${bad}?x=1`, put('{}')), 400, 'InvalidRequestArguments'],
      [signed(`${H}?x=1`, put('{}', {})), 400, 'InvalidRequestArguments'],
      [signed(H, put('{}', {})), 400, 'MalformedPayload'],
      [signed(H, put('{}')), 400, 'InputValidationError'],
      [signed(H, put(JSON.stringify(echoHook({ hookId: 'x', triggerSchema: {} })))), 400, 'InputError'],
      [signed(H, put(JSON.stringify(echoHook({ triggerSchema: {} })))), 409, 'RequestConflict'],
    ];
    for (const [reply, status, code] of steps) messageOf(await reply, status, code, 'createHook');
    assert.match((await signed(`${bad}?x=1`, put('{}'))).json.message, /^Invalid URL patterns/);
  });

  it('does not tell who has no scopes whether a hook exists', async () => {
    for (const path of [H, `${B}/hooks/g/nope`]) {
      messageOf(await anonymous(path), 403, 'InsufficientScopes', 'hook');
      messageOf(await limited(['hooks:get:other:*'], path), 403, 'InsufficientScopes', 'hook');
    }
  });

  it('lets bad credentials pass where none are needed', async () => {
    assert.equal((await anonymous(`${B}/ping`, { headers: { authorization: 'Hawk nonsense' } })).status, 200);
  });
});

describe('who calls', () => {
  it('without credentials is told the scope expression and nothing else', async () => {
    assert.equal(
      messageOf(await anonymous(H), 403, 'InsufficientScopes', 'hook'),
      'This request requires Taskcluster credentials that satisfy the following scope expression:\n\n```\nhooks:get:g:h\n```',
    );
    const expression = JSON.stringify({ AllOf: ['hooks:modify-hook:g/h', 'assume:hook-id:g/h'] }, null, 2);
    assert.equal(
      messageOf(await anonymous(H, put('{}')), 403, 'InsufficientScopes', 'createHook'),
      `This request requires Taskcluster credentials that satisfy the following scope expression:\n\n\`\`\`\n${expression}\n\`\`\``,
    );
    assert.equal((await anonymous(H)).headers['www-authenticate'], 'hawk');
  });

  it('is not asked to sign where a signature would not help', async () => {
    const replies = [
      await signed(H, put('{')),
      await anonymous(`${B}/ping?x=1`),
      await anonymous(`${H}/trigger/${'x'.repeat(22)}`, { method: 'POST', headers: JSON_TYPE, body: '{}' }),
      await signed(`${B}/hooks/g/nope`),
    ];
    assert.deepEqual(
      replies.map(({ status, headers }) => [status, headers['www-authenticate']]),
      [400, 400, 401, 404].map((status) => [status, undefined]),
    );
  });

  it('with a bad signature, as an unknown client, or in another scheme is 401 and asked for Hawk', async () => {
    const cases: [RequestOptions, string][] = [
      [{ credentials: { clientId: 'root', accessToken: 'wrong' } }, 'Unauthorized: Bad mac'],
      [{ credentials: { clientId: 'zz', accessToken: 'wrong' } }, 'Unauthorized: Bad mac'],
    ];
    for (const [options, message] of cases) {
      const reply = await anonymous(H, options);
      assert.equal(messageOf(reply, 401, 'AuthenticationFailed', 'hook'), message);
      assert.equal(reply.headers['www-authenticate'], 'hawk');
    }
    messageOf(await anonymous(H, { headers: { authorization: 'Basic eDp4' } }), 401, 'AuthenticationFailed', 'hook');
  });

  it('cannot use a signature for another path, method or host', async () => {
    const { credentials } = server;
    const at = (path: string, options: RequestOptions = {}) => anonymous(path, { credentials, ...options });
    const cases = [
      at(H, { signedUrl: `${server.url}${B}/hooks/g/other` }),
      at(`${H}?x=1`, { signedUrl: `${server.url}${H}` }),
      at(H, { signedUrl: `http://other.example${H}` }),
      at(`${H}/`, { signedUrl: `${server.url}${H}` }),
    ];
    for (const reply of cases) messageOf(await reply, 401, 'AuthenticationFailed', 'hook');
  });
});

describe('a body', () => {
  const problem = async (options: RequestOptions): Promise<string> =>
    messageOf(await signed(H, options), 400, 'MalformedPayload', 'createHook');

  it('that is no JSON is told so before anything else, and comes back as text', async () => {
    for (const call of [anonymous, signed]) {
      const reply = await call(H, put('{"a":'));
      assert.equal(
        messageOf(reply, 400, 'MalformedPayload', 'createHook'),
        'Failed to parse JSON: Unexpected end of JSON input',
      );
      assert.equal(reply.json.requestInfo.payload, '{"a":');
    }
  });

  it('must be an object or an array, and then an object', async () => {
    for (const scalar of ['7', '"text"', 'null', 'true']) {
      assert.equal(await problem(put(scalar)), 'Failed to parse JSON: Must be an object or array');
    }
    const message = messageOf(await signed(H, put('[]')), 400, 'InputValidationError', 'createHook');
    assert.match(message, /\n {2}\* data must be object$/);
  });

  it('must say that it is JSON; an empty one that does is an empty object', async () => {
    const text = 'Payload must be JSON with content-type: application/json got content-type:';
    assert.equal(await problem({ method: 'PUT' }), `${text} null`);
    for (const type of ['text/plain', 'application/vnd.x+json', 'application/jsonx', 'text/json']) {
      assert.equal(await problem(put('{}', { 'content-type': type })), `${text} ${type}`);
    }
    for (const type of [
      'application/json',
      'Application/JSON',
      'application/json; charset=utf-8',
      'application/json;charset="UTF-8"',
    ]) {
      messageOf(await signed(H, put('', { 'content-type': type })), 400, 'InputValidationError', 'createHook');
      messageOf(await signed(H, put('{}', { 'content-type': type })), 400, 'InputValidationError', 'createHook');
    }
    const { status, json } = await signed(`${H}/trigger`, { method: 'POST', headers: JSON_TYPE });
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json), ['taskId', 'status']);
  });

  it('of a content type that is none is refused as such, after the question who calls', async () => {
    for (const type of ['nonsense', 'application/', '/json', 'application/json/x', ';', 'a b/c']) {
      const headers = { 'content-type': type };
      messageOf(await anonymous(H, put('{}', headers)), 403, 'InsufficientScopes', 'createHook');
      messageOf(await signed(`${H}?x=1`, put('{}', headers)), 400, 'InvalidRequestArguments', 'createHook');
      assert.equal(
        await problem(put('{}', headers)),
        `Payload must be JSON with content-type: application/json got content-type: ${type}`,
      );
    }
    // Where no payload is wanted, it does not matter.
    assert.equal((await signed(H, { headers: { 'content-type': 'nonsense' } })).status, 200);
  });

  it('in another charset is refused, not misread', async () => {
    const body = Buffer.from('{}', 'utf16le');
    const message = await problem(put(body, { 'content-type': 'application/json; charset=utf-16' }));
    assert.equal(message, 'Unsupported charset: utf-16. JSON is sent in UTF-8.');
  });

  it('that does not fit its schema is told everything that is wrong, in one message', async () => {
    const body = { metadata: { name: 'n', owner: 'nobody' }, schedule: ['a', 'a'], bogus: 1 };
    const reply = await signed(H, put(JSON.stringify(body)));
    const lines = messageOf(reply, 400, 'InputValidationError', 'createHook').split('\n');
    assert.deepEqual(lines.slice(0, 4), [
      '',
      'Schema Validation Failed!',
      `Rejecting Schema: ${server.url}/schemas/hooks/v1/create-hook-request.json#`,
      'Errors:',
    ]);
    assert.deepEqual(lines.slice(4).toSorted(), [
      '  * data must NOT have additional properties: "bogus"',
      "  * data must have required property 'task'",
      "  * data/metadata must have required property 'description'",
      '  * data/metadata/owner must match format "email"',
      '  * data/schedule must NOT have duplicate items (items ## 1 and 0 are identical)',
    ]);
    const { payload } = reply.json.requestInfo;
    assert.equal(payload.metadata.emailOnError, true, 'defaults are filled in');
    assert.deepEqual(payload.triggerSchema, { type: 'object', additionalProperties: false });
  });

  it('may be compressed', async () => {
    const text = JSON.stringify({ squeezed: 'x'.repeat(1000) });
    const { queue } = rootClients(server.credentials);
    for (const [encoding, body] of [
      ['gzip', gzipSync(text)],
      ['deflate', deflateSync(text)],
      ['br', brotliCompressSync(text)],
      ['identity', text],
    ] as const) {
      const headers = { ...JSON_TYPE, 'content-encoding': encoding };
      const { status, json } = await signed(`${H}/trigger`, { method: 'POST', headers, body });
      assert.equal(status, 200, encoding);
      assert.deepEqual((await queue.task(json.taskId)).payload.said, JSON.parse(text));
    }
  });

  it('whose compression is broken or unknown is malformed, and does not come back', async () => {
    for (const [encoding, body, message] of [
      ['gzip', 'xx', 'The body is not valid gzip.'],
      ['gzip', gzipSync('{}').subarray(0, 12), 'The body is not valid gzip.'],
      ['br', 'xx', 'The body is not valid br.'],
      ['zip', 'xx', 'Unsupported content-encoding: zip. Send gzip, deflate, br or none.'],
    ] as const) {
      const reply = await signed(H, put(body, { ...JSON_TYPE, 'content-encoding': encoding }));
      assert.equal(messageOf(reply, 400, 'MalformedPayload', 'createHook'), message);
      assert.equal('payload' in reply.json.requestInfo, false);
    }
  });

  it('names its compression in any case, and by no name that every JavaScript object has', async () => {
    for (const encoding of ['GZIP', 'x-gzip']) {
      const headers = { ...JSON_TYPE, 'content-encoding': encoding };
      messageOf(await signed(H, put(gzipSync('{}'), headers)), 400, 'InputValidationError', 'createHook');
    }
    for (const encoding of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) {
      const message = await problem(put('{}', { ...JSON_TYPE, 'content-encoding': encoding }));
      assert.match(message, /^Unsupported content-encoding/i);
    }
  });

  it('of almost the size that a method takes is taken', async () => {
    const body = JSON.stringify({ big: 'x'.repeat(MB - 100) });
    const { status, json } = await signed(H, put(body));
    assert.deepEqual([status, json.code], [400, 'InputValidationError']);
  });

  it('of more than that is too large, compressed or not', async () => {
    const bomb = put(gzipSync(Buffer.alloc(11 * MB, ' ')), { ...JSON_TYPE, 'content-encoding': 'gzip' });
    messageOf(await anonymous(H, bomb), 403, 'InsufficientScopes', 'createHook'); // nobody has looked at all of it
    for (const call of [anonymous, signed]) {
      for (const options of call === signed ? [announceTooMuch, bomb] : [announceTooMuch]) {
        const { status, json } = await call(H, options);
        assert.deepEqual([status, json.code], [413, 'InputTooLarge']);
        assert.match(json.message, /^The request body is larger than 1 MB\.\n\n---\n/);
        assert.equal('payload' in json.requestInfo, false);
      }
    }
  });

  it('that is too large is told with the method and parameters, as every error', async () => {
    const reply = await signed(H, announceTooMuch);
    messageOf(reply, 413, 'InputTooLarge', 'createHook');
    assert.deepEqual(reply.json.requestInfo.params, { hookGroupId: 'g', hookId: 'h' });
  });

  it('that is too large is told so to the real client, which sends all of it before it listens', async () => {
    const { hooks } = rootClients(server.credentials);
    for (let i = 0; i < 20; i += 1) {
      await assert.rejects(hooks.triggerHook('g', 'h', { big: 'x'.repeat(11 * MB) }), { statusCode: 413 });
    }
  });

  it('that breaks off does not disturb the others', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(`PUT ${H} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":`);
    socket.destroy();
    assert.equal((await anonymous(`${B}/ping`)).status, 200);
  });
});

describe('a query', () => {
  it('takes what the method knows, once, in the form that it has', async () => {
    const cases = [
      ['foo=1', 'Query-string parameter: foo is not supported!'],
      ['limit=x', 'Query-string parameter: limit="x" does not match expression: /^[0-9]+$/'],
      ['limit=-1', 'Query-string parameter: limit="-1" does not match expression: /^[0-9]+$/'],
      ['limit=1&limit=2', 'Query-string parameter: limit must be a string!'],
      ['__proto__=1&limit=1', 'Query-string parameter: __proto__ is not supported!'],
      ['constructor=1', 'Query-string parameter: constructor is not supported!'],
    ] as const;
    for (const [query, message] of cases) {
      const reply = await signed(`${H}/last-fires?${query}`);
      assert.equal(messageOf(reply, 400, 'InvalidRequestArguments', 'listLastFires'), message);
    }
    messageOf(await anonymous(`${B}/ping?foo=1`), 400, 'InvalidRequestArguments', 'ping');
  });

  it('limits a page, and 0 finds nothing', async () => {
    const page = await signed(`${H}/last-fires?limit=2`);
    assert.equal(page.json.lastFires.length, 2);
    assert.match(page.json.continuationToken, /^[A-Za-z0-9_-]+$/);
    const rest = await signed(`${H}/last-fires?limit=2&continuationToken=${page.json.continuationToken}`);
    assert.ok(rest.json.lastFires.length >= 1);
    for (const limit of ['1000', '1001', '99999999999999999999']) {
      assert.equal((await signed(`${H}/last-fires?limit=${limit}`)).status, 200, limit);
    }
    const nothing = await signed(`${H}/last-fires?limit=0`);
    assert.equal(messageOf(nothing, 404, 'ResourceNotFound', 'listLastFires'), 'No such hook or never fired');
  });

  it('with a token that is none of ours is refused', async () => {
    const { status } = await signed(`${H}/last-fires?continuationToken=!!`);
    assert.equal(status, 400);
    for (const token of ['abc', 'A'.repeat(5000), '0', '_-']) {
      const reply = await signed(`${H}/last-fires?continuationToken=${token}`);
      assert.ok([200, 400].includes(reply.status), `${token}: ${reply.text}`);
    }
  });

  it('with a token that is none is an InputError', async () => {
    const reply = await signed(`${H}/last-fires?continuationToken=!!`);
    assert.equal(messageOf(reply, 400, 'InputError', 'listLastFires'), 'Invalid continuation token');
  });
});

describe('an error of the handler', () => {
  it('has the words that clients know', async () => {
    const with_ = (more: object) => signed(`${B}/hooks/g/new`, put(JSON.stringify(echoHook(more))));
    assert.equal(
      messageOf(await with_({ hookGroupId: 'x' }), 400, 'InputError', 'createHook'),
      'Hook Group Ids do not match',
    );
    assert.equal(messageOf(await with_({ hookId: 'x' }), 400, 'InputError', 'createHook'), 'Hook Ids do not match');
    assert.match(
      messageOf(await with_({ triggerSchema: { type: 'nonsense' } }), 400, 'InputError', 'createHook'),
      /^triggerSchema is not a valid JSON schema:\n/,
    );
    assert.equal((await signed(`${B}/hooks/g/new`)).status, 404, 'and nothing was made');
  });

  it('of a schema that cannot be used comes when the hook is saved, not when it fires', async () => {
    for (const triggerSchema of [
      { $ref: '#/nowhere' },
      { $ref: 'https://example.com/schema.json' },
      { type: 'object', required: 'x' },
    ]) {
      const reply = await signed(`${B}/hooks/g/unusable`, put(JSON.stringify(echoHook({ triggerSchema }))));
      messageOf(reply, 400, 'InputError', 'createHook');
    }
  });
});
