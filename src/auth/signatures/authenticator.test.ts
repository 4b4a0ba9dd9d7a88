import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import hawk from 'hawk';
import { roundsOf } from '../../../test/support/test-length.ts';
import type { Clock } from '../../core/clock.ts';
import { ApiError } from '../../http/api-error.ts';
import type { Caller, SignedRequest } from '../../http/api-method.ts';
import { compileRoles } from '../roles/role-expansion.ts';
import { createAuthenticator, type KnownClient } from './authenticator.ts';
import { createReplays } from './replays.ts';

// The moment of the recorded vectors.
const NOW = 1_795_192_780_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const CLIENTS: KnownClient[] = [
  { clientId: 'tester', accessToken: 'no-secret', scopes: ['a:*', 'b*', 'auth:create-client:nick', 'assume:r'] },
  { clientId: 'root', accessToken: 'root-secret', scopes: ['*'] },
  { clientId: 'path', accessToken: 'path-secret', scopes: ['a/b', 'auth:create-client:t/*'] },
  { clientId: 'gone', accessToken: 'gone-secret', scopes: ['*'], expires: NOW - 1 },
  { clientId: 'off', accessToken: 'off-secret', scopes: ['*'], disabled: true },
].map((client) => ({ expires: NOW + DAY, disabled: false, lastDateUsed: NOW, ...client }));

const ROLES = compileRoles([
  { roleId: 'anonymous', scopes: ['anon:1'] },
  { roleId: 'r', scopes: ['via-role:1'] },
]);

const clockAt = (now: number): Clock => ({
  now: () => now,
  monotonic: () => now,
  after: () => () => {},
  sleep: async () => {},
});

const authenticator = (options: { now?: number; rootUrl?: { host: string; port: number } } = {}) =>
  createAuthenticator({
    clock: clockAt(options.now ?? NOW),
    rootUrl: options.rootUrl,
    findClient: (clientId) => CLIENTS.find((client) => client.clientId === clientId),
    roles: () => ROLES,
    replays: createReplays(clockAt(options.now ?? NOW)),
  });

const URL_PATH = '/api/auth/v1/clients/a%2Fb?x=1';
const HOST = 'tc.example.com:8080';

type Signing = {
  id?: string;
  key?: string;
  method?: string;
  url?: string;
  ts?: number | string;
  nonce?: string;
  ext?: unknown;
  rawExt?: string;
  body?: string;
  host?: string;
};

let nonces = 0;

const signed = (signing: Signing = {}): SignedRequest => {
  const { id = 'tester', key = 'no-secret', method = 'GET', url = URL_PATH, host = HOST, body } = signing;
  nonces += 1;
  const ext = signing.rawExt ?? (signing.ext === undefined ? undefined : encode(signing.ext));
  const { header } = hawk.client.header(`http://${host}${url}`, method, {
    credentials: { id, key, algorithm: 'sha256' },
    timestamp: (signing.ts ?? NOW / 1000) as number,
    nonce: signing.nonce ?? `n${nonces}`,
    ...(ext === undefined ? {} : { ext }),
    ...(body === undefined ? {} : { payload: body, contentType: 'application/json' }),
  });
  return {
    method,
    url,
    host,
    authorization: header,
    contentType: 'application/json',
    body: Buffer.from(body ?? ''),
  };
};

const encode = (ext: unknown): string => Buffer.from(JSON.stringify(ext)).toString('base64');

const unsigned = (url = URL_PATH): SignedRequest => ({
  method: 'GET',
  url,
  host: HOST,
  authorization: undefined,
  contentType: undefined,
  body: Buffer.alloc(0),
});

type BewitParts = {
  id?: string;
  key?: string;
  exp?: number | string;
  ext?: string;
  url?: string;
  host?: string;
  port?: number;
};

const bewitUrl = (parts: BewitParts = {}): string => {
  const { id = 'tester', key = 'no-secret', exp = NOW / 1000 + 900, ext = '', url = URL_PATH } = parts;
  const mac = hawk.crypto.calculateMac(
    'bewit',
    { key, algorithm: 'sha256' },
    {
      ts: exp,
      nonce: '',
      method: 'GET',
      resource: url,
      host: parts.host ?? 'tc.example.com',
      port: parts.port ?? 8080,
      ext,
    },
  );
  const bewit = Buffer.from(`${id}\\${exp}\\${mac}\\${ext}`, 'latin1').toString('base64url');
  return `${url}${url.includes('?') ? '&' : '?'}bewit=${bewit}`;
};

type Certificate = Record<string, unknown>;

const SEED = 'F1r8ibhqRYCsEGtViOW8kwdyl3YU-bRmuydTmZ-_DOtA';

/** Signs like the real client, whatever the fields are. */
const certificateOf = (
  fields: Certificate = {},
  options: { name?: string; key?: string; extraNewline?: boolean } = {},
) => {
  const { name, key = 'no-secret' } = options;
  const certificate: Certificate = {
    version: 1,
    scopes: ['a:1'],
    start: NOW,
    expiry: NOW + 60 * MINUTE,
    seed: SEED,
    ...(name === undefined ? {} : { issuer: 'tester' }),
    ...fields,
  };
  const lines = ['version:1'];
  if (name !== undefined) lines.push(`clientId:${name}`, `issuer:${certificate.issuer}`);
  lines.push(`seed:${certificate.seed}`, `start:${certificate.start}`, `expiry:${certificate.expiry}`, 'scopes:');
  if (Array.isArray(certificate.scopes)) lines.push(...(certificate.scopes as string[]));
  const text = lines.join('\n') + (options.extraNewline ? '\n' : '');
  certificate.signature ??= createHmac('sha256', key).update(text).digest('base64');
  const temporaryKey = createHmac('sha256', key).update(String(certificate.seed)).digest('base64url');
  return { certificate, key: temporaryKey };
};

const refused = async (request: SignedRequest, text: string | RegExp, options = {}): Promise<void> => {
  await assert.rejects(
    authenticator(options).authenticate(request),
    (error) => {
      assert.ok(error instanceof ApiError, String(error));
      assert.equal(error.code, 'AuthenticationFailed');
      if (typeof text === 'string') assert.equal(error.message, text);
      else assert.match(error.message, text);
      return true;
    },
    `not refused: ${text}`,
  );
};

const accepted = (request: SignedRequest, options = {}): Promise<Caller> =>
  authenticator(options).authenticate(request);

const EVERYBODY = ['anon:1', 'assume:anonymous'];

describe('a signed request', () => {
  it('is the caller’s, with what its roles grant and what everybody has', async () => {
    const { clientId, scopes } = await accepted(signed());
    assert.equal(clientId, 'tester');
    assert.deepEqual(scopes, [
      'a:*',
      'anon:1',
      'assume:anonymous',
      'assume:r',
      'auth:create-client:nick',
      'b*',
      'via-role:1',
    ]);
  });

  it('matches a recorded vector', async () => {
    const ext = 'eyJhdXRob3JpemVkU2NvcGVzIjpbImE6MSJdfQ==';
    const mac = 'X0Ik35EDTlN1+7ngRIRmtVF6okgpV9H3N0giY1JGEos=';
    const authorization = `Hawk id="tester", ts="1795192780", nonce="abcdef", ext="${ext}", mac="${mac}"`;
    const { scopes } = await accepted({ ...unsigned(), authorization });
    assert.deepEqual(scopes, ['a:1', ...EVERYBODY]);
  });

  it('may name its host in capitals', async () => {
    await accepted({ ...signed(), host: 'TC.example.com:8080' });
  });

  it('is refused when anything that was signed is altered, or the key is wrong', async () => {
    const good = signed();
    await refused(signed({ key: 'no-secreT' }), 'Unauthorized: Bad mac');
    await refused({ ...good, url: '/api/auth/v1/clients/a/b?x=1' }, 'Unauthorized: Bad mac');
    await refused({ ...good, url: `${good.url}&y=1` }, 'Unauthorized: Bad mac');
    await refused({ ...good, host: 'tc.example.com' }, 'Unauthorized: Bad mac');
    await refused({ ...good, host: 'tc.example.org:8080' }, 'Unauthorized: Bad mac');
    await refused({ ...good, method: 'POST' }, 'Unauthorized: Bad mac');
    await refused({ ...good, authorization: good.authorization?.replace('tester', 'root') }, 'Unauthorized: Bad mac');
  });

  it('is checked against the root URL when there is one, whatever the Host header says', async () => {
    const rootUrl = { host: 'tc.example.com', port: 443 };
    const request = signed({ host: 'tc.example.com:443' });
    await accepted({ ...request, host: '127.0.0.1:8080' }, { rootUrl });
    await accepted({ ...signed({ host: 'tc.example.com:443' }), host: undefined }, { rootUrl });
    await refused(signed({ host: '127.0.0.1:8080' }), 'Unauthorized: Bad mac', { rootUrl });
  });

  it('is on port 80 when its Host header names none, and IPv6 is signed without brackets', async () => {
    await accepted(signed({ host: 'tc.example.com' }));
    await accepted(signed({ host: '[::1]:8080' }));
    await refused({ ...signed(), host: undefined }, 'Bad Request: Invalid Host header');
    await refused({ ...signed(), host: 'a/b@c' }, 'Bad Request: Invalid Host header');
  });

  it('may be 15 minutes early or late, not more', async () => {
    for (const minutes of [14, -14]) await accepted(signed({ ts: NOW / 1000 + minutes * 60 }));
    for (const minutes of [16, -16])
      await refused(signed({ ts: NOW / 1000 + minutes * 60 }), 'Unauthorized: Stale timestamp');
    await refused(signed({ ts: 'never' }), 'Unauthorized: Stale timestamp');
  });

  it('works once: a replay is refused, also when only the path differs', async () => {
    const { authenticate } = authenticator();
    const request = signed({ nonce: 'twice' });
    await authenticate(request);
    await assert.rejects(authenticate(request), {
      code: 'AuthenticationFailed',
      message: 'Unauthorized: Invalid nonce',
    });
    await assert.rejects(authenticate(signed({ nonce: 'twice', url: '/other' })), {
      message: 'Unauthorized: Invalid nonce',
    });
    await authenticate(signed({ nonce: 'twice', ts: NOW / 1000 + 1 }));
    await authenticate(signed({ nonce: 'twice', id: 'root', key: 'root-secret' }));
  });

  it('works once also when it comes many times at once', async () => {
    const { authenticate } = authenticator();
    const request = signed();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => authenticate(request)));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  it('does not use up its nonce when it is refused', async () => {
    const { authenticate } = authenticator();
    const request = signed();
    await assert.rejects(authenticate({ ...request, url: '/other' }));
    await authenticate(request);
  });

  it('may come again as it was after the server failed', async () => {
    const { authenticate, forgive } = authenticator();
    const request = signed();
    await authenticate(request);
    forgive(request);
    await authenticate(request);
    await assert.rejects(authenticate(request));
    for (const authorization of ['garbage', 'Hawk garbage', undefined]) forgive({ ...request, authorization });
    // Somebody who overheard it shows it to a method that fails, and that asks nobody who they are.
    const overheard = { ...request };
    forgive(overheard);
    await assert.rejects(authenticate(overheard), /Invalid nonce/);
  });

  it('has its payload checked when it says what it is', async () => {
    const request = signed({ method: 'POST', body: '{"a":1}' });
    await refused({ ...request, body: Buffer.from('{"a":2}') }, /^Invalid payload hash: .+\nComputed payload hash: /);
    await accepted(request);
    await accepted({ ...signed({ method: 'POST', body: '{}' }), contentType: 'Application/JSON; charset=utf-8' });
  });
});

describe('a client', () => {
  it('that is disabled or has expired is told so when it signs with its key', async () => {
    await refused(signed({ id: 'off', key: 'off-secret' }), "Client with clientId 'off' is disabled");
    await refused(signed({ id: 'gone', key: 'gone-secret' }), "Client with clientId: 'gone' has expired");
  });

  it('cannot be told from one that does not exist without its key', async () => {
    const message = async (request: SignedRequest) => {
      const error = await authenticator()
        .authenticate(request)
        .catch((thrown: unknown) => thrown);
      assert.ok(error instanceof ApiError && error.code === 'AuthenticationFailed', String(error));
      return error.message;
    };
    const { certificate, key } = certificateOf({}, { key: 'guessed' });
    const tries: ((id: string) => SignedRequest)[] = [
      (id) => signed({ id, key: 'guessed' }),
      (id) => signed({ id, key: 'guessed', ts: NOW / 1000 - 3600 }),
      (id) => signed({ id, key: 'guessed', ext: { authorizedScopes: ['c'] } }),
      (id) => signed({ id, key: 'guessed', method: 'POST', body: '{}' }),
      (id) => unsigned(bewitUrl({ id, key: 'guessed' })),
      (id) => unsigned(bewitUrl({ id, key: 'guessed', exp: 1 })),
      (id) => signed({ id, key, ext: { certificate } }),
      (id) => signed({ id: 'nick', key, ext: { certificate: { ...certificate, issuer: id } } }),
      (id) => signed({ id, key, ext: { certificate: { ...certificate, expiry: 1 } } }),
    ];
    for (const sign of tries) {
      const unknown = await message(sign('zz'));
      for (const id of ['tester', 'off', 'gone', 'a b']) assert.equal(await message(sign(id)), unknown);
    }
  });

  it('is anonymous when nothing is signed', async () => {
    assert.deepEqual(await accepted(unsigned()), { clientId: undefined, scopes: EVERYBODY });
    assert.deepEqual(await accepted({ ...unsigned(), authorization: '' }), { clientId: undefined, scopes: EVERYBODY });
    assert.deepEqual(await accepted(unsigned('/a?xbewit=1')), { clientId: undefined, scopes: EVERYBODY });
  });
});

describe('an Authorization header', () => {
  const garbage: [string, string][] = [
    ['Bearer x', 'Unauthorized: Unauthorized'],
    ['Hawk garbage', 'Bad Request: Bad header format'],
    ['Hawk id="a", ts="1"', 'Bad Request: Missing attributes'],
    [`Hawk ${'x'.repeat(4_096)}`, 'Bad Request: Header length too long'],
    ['Hawk id="a", id="b"', 'Bad Request: Duplicate attribute: id'],
    ['Hawk who="a"', 'Bad Request: Unknown attribute: who'],
    ['Hawk', 'Bad Request: Invalid header syntax'],
    ['!', 'Bad Request: Invalid header syntax'],
  ];
  for (const [authorization, text] of garbage) {
    it(`\`${authorization.slice(0, 30)}\` is refused: ${text}`, () => refused({ ...unsigned(), authorization }, text));
  }

  it('cannot keep the server busy', async () => {
    const hostile = [`Hawk ${'a'.repeat(4_000)}!`, `Hawk ${'a="",'.repeat(800)}`, `Hawk id="x"${' '.repeat(4_000)}!`];
    const urls = [
      `/?bewit=${'&bewit='.repeat(580)}$`,
      `/?bewit=${'$&bewit='.repeat(500)}$`,
      `/?bewit=${'A'.repeat(4_000)}`,
    ];
    const requests = [
      ...hostile.map((authorization) => ({ ...unsigned(), authorization })),
      ...urls.map((url) => unsigned(url)),
    ];
    // As long as they are, and well-formed.
    const honest = signed({ ext: { a: 'x'.repeat(2_800) }, key: 'wrong' });
    const fastest = async (request: SignedRequest) => {
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 10; i += 1) {
        const start = process.hrtime.bigint();
        await assert.rejects(accepted(request), { code: 'AuthenticationFailed' });
        least = Math.min(least, Number(process.hrtime.bigint() - start) / 1e6);
      }
      return least;
    };
    const usual = await fastest(honest);
    for (const request of requests) {
      const ms = await fastest(request);
      const what = (request.authorization ?? request.url).slice(0, 20);
      assert.ok(ms < 1 + 20 * usual, `${ms} ms for ${what}, ${usual} ms for an ordinary one`);
    }
  });

  it('and a bewit are not used together', async () => {
    const url = bewitUrl();
    await refused({ ...signed({ url }) }, /^Cannot use two authentication schemes at once/);
    await refused({ ...unsigned('/?bewit='), authorization: 'x' }, /^Cannot use two authentication schemes at once/);
  });
});

describe('a bewit', () => {
  it('matches a recorded vector', async () => {
    const bewit = 'dGVzdGVyXDE3OTUxOTQ3MDVcRFA4NkxrMDVyK1ZCMnhrZzlGSkNyZm5CUFJjdUVJTWhxd1duTUNnYThIWT1c';
    const request = { ...unsigned(`/api/auth/v1/test-authenticate-get/?bewit=${bewit}`), host: 'tc.example.com' };
    assert.equal((await accepted(request)).clientId, 'tester');
  });

  it('may be used again and again, for GET and HEAD only', async () => {
    const { authenticate } = authenticator();
    const request = unsigned(bewitUrl());
    for (const method of ['GET', 'HEAD', 'GET'])
      assert.equal((await authenticate({ ...request, method })).clientId, 'tester');
    for (const method of ['POST', 'PUT', 'DELETE'])
      await refused({ ...request, method }, 'Unauthorized: Invalid method');
  });

  it('carries ext like a header', async () => {
    const ext = encode({ authorizedScopes: ['a:1'] });
    assert.deepEqual((await accepted(unsigned(bewitUrl({ ext })))).scopes, ['a:1', ...EVERYBODY]);
  });

  it('is refused when it is altered, expired, or garbage', async () => {
    await refused(unsigned(bewitUrl().replace('x=1', 'x=2')), 'Unauthorized: Bad mac');
    await refused(unsigned(bewitUrl({ key: 'x' })), 'Unauthorized: Bad mac');
    await refused(unsigned(bewitUrl({ port: 80 })), 'Unauthorized: Bad mac');
    await refused(unsigned(bewitUrl({ exp: NOW / 1000 - 1 })), 'Unauthorized: Access expired');
    await refused(unsigned(bewitUrl({ exp: 'never' })), 'Unauthorized: Access expired');
    await refused(unsigned('/?bewit=abc'), 'Bad Request: Invalid bewit structure');
    await refused(unsigned('/?bewit=a%20b'), 'Bad Request: Invalid bewit encoding');
    await refused(unsigned('/?bewit='), 'Unauthorized: Empty bewit');
    for (const id of ['zz', 'a\u0000b']) await refused(unsigned(bewitUrl({ id })), 'Unauthorized: Bad mac');
  });
});

describe('authorizedScopes', () => {
  const restricted = (authorizedScopes: unknown) => signed({ ext: { authorizedScopes } });

  it('leave what they name, and what everybody has', async () => {
    assert.deepEqual((await accepted(restricted(['a:1', 'via-role:1']))).scopes, ['a:1', ...EVERYBODY, 'via-role:1']);
    assert.deepEqual((await accepted(restricted([]))).scopes, EVERYBODY);
    assert.deepEqual((await accepted(restricted(['assume:r']))).scopes, [...EVERYBODY, 'assume:r', 'via-role:1']);
  });

  it('cannot widen', async () => {
    for (const scopes of [['*'], ['a*'], ['c'], ['a:1', 'assume:*'], ['']]) {
      await refused(restricted(scopes), /^Supplied credentials do not satisfy authorizedScopes; /);
    }
    const path = { id: 'path', key: 'path-secret' };
    await refused(signed({ ...path, ext: { authorizedScopes: ['a/bc'] } }), /^Supplied credentials do not/);
    await accepted(signed({ ...path, ext: { authorizedScopes: ['a/b'] } }));
  });

  it('do not tell what a client holds to callers without its key', async () => {
    await refused(signed({ key: 'wrong', ext: { authorizedScopes: ['zz'] } }), 'Unauthorized: Bad mac');
  });

  it('are never ignored because they cannot be read', async () => {
    for (const scopes of [null, 0, false, '', '*', {}, 7]) {
      await refused(restricted(scopes), 'ext.authorizedScopes must be an array');
    }
    await refused(restricted([7]), 'ext.authorizedScopes must be an array of valid scopes');
    await refused(restricted(['a\n']), 'ext.authorizedScopes must be an array of valid scopes');
  });
});

describe('ext', () => {
  for (const text of ['null', '[]', '[{"authorizedScopes":[]}]', '7', '"x"', 'true', '{', '']) {
    it(`${JSON.stringify(text)} is refused`, () =>
      refused(signed({ rawExt: Buffer.from(` ${text}`).toString('base64') }), 'Failed to parse ext'));
  }

  it('may hold unknown keys, and a null for "no certificate"', async () => {
    assert.equal((await accepted(signed({ ext: { other: 1, certificate: null } }))).clientId, 'tester');
  });

  it('may be URL-safe base64 without padding, as the Rust client sends it', async () => {
    const rawExt = Buffer.from('{"authorizedScopes":["a:~~~?"]}').toString('base64url');
    assert.deepEqual((await accepted(signed({ rawExt }))).scopes, ['a:~~~?', ...EVERYBODY]);
  });
});

describe('temporary credentials', () => {
  const withCertificate = (
    fields: Certificate = {},
    options: Parameters<typeof certificateOf>[1] & { id?: string } = {},
  ) => {
    const { certificate, key } = certificateOf(fields, options);
    return signed({ id: options.id ?? options.name ?? 'tester', key, ext: { certificate } });
  };

  it('match recorded vectors', async () => {
    const times = { version: 1, start: 1_795_192_780_000, expiry: 1_795_196_380_000 };
    const nick = {
      ...times,
      scopes: ['a:1', 'b*'],
      seed: SEED,
      signature: 'fXPv1gdgekhV3X1LJ6iLPMWmfI+imBhjM9vEAmlUx2k=',
      issuer: 'tester',
    };
    const named = await accepted(
      signed({ id: 'nick', key: 'zhg28OxJPn2-HuvLNfiS70_5zgnQc4qxa9HlwsVghqs', ext: { certificate: nick } }),
    );
    assert.deepEqual(named, { clientId: 'nick', expires: times.expiry, scopes: ['a:1', ...EVERYBODY, 'b*'] });
    const plain = {
      ...times,
      scopes: ['a:1'],
      seed: 'F2zARQsiRT6WrO_vs68goQdpaVWdRpT0OgKrUuvMxsPg',
      signature: 'phrRYNTtPzzZvzHZpcS/OWPGNkEyt910B03E2VanyXw=',
    };
    const unnamed = await accepted(
      signed({ key: 'BijUir86KaYO9zrwI4DEC8FOa4rNsi7PJycDbPnlCuo', ext: { certificate: plain } }),
    );
    assert.deepEqual(unnamed, { clientId: 'tester', expires: times.expiry, scopes: ['a:1', ...EVERYBODY] });
  });

  it('without scopes are good in both spellings', async () => {
    for (const extraNewline of [true, false]) {
      assert.deepEqual((await accepted(withCertificate({ scopes: [] }, { extraNewline }))).scopes, EVERYBODY);
    }
  });

  it('can be restricted further, not widened', async () => {
    const { certificate, key } = certificateOf();
    const scopes = async (authorizedScopes: string[]) =>
      (await accepted(signed({ key, ext: { certificate, authorizedScopes } }))).scopes;
    assert.deepEqual(await scopes([]), EVERYBODY);
    await assert.rejects(scopes(['a:2']), /do not satisfy authorizedScopes/);
  });

  it('have five minutes of leeway at both ends', async () => {
    await accepted(withCertificate({ start: NOW + 4 * MINUTE, expiry: NOW + 9 * MINUTE }));
    await accepted(withCertificate({ start: NOW - DAY, expiry: NOW - 4 * MINUTE }));
    await refused(withCertificate({ start: NOW + 6 * MINUTE }), 'ext.certificate.start > now');
    await refused(withCertificate({ start: NOW - DAY, expiry: NOW - 6 * MINUTE }), 'ext.certificate.expiry < now');
    await refused(withCertificate({ expiry: NOW + 31 * DAY + 1 }), 'ext.certificate cannot last longer than 31 days!');
  });

  const malformed: [Certificate, string][] = [
    [{ version: 2 }, 'ext.certificate.version must be 1'],
    [{ version: '1' }, 'ext.certificate.version must be 1'],
    [{ seed: 7 }, 'ext.certificate.seed must be a string'],
    [{ seed: 'short' }, 'ext.certificate.seed must be 44 characters'],
    [{ start: '0' }, 'ext.certificate.start must be a number'],
    [{ expiry: null }, 'ext.certificate.expiry must be a number'],
    [{ scopes: 'a:1' }, 'ext.certificate.scopes must be an array'],
    [{ scopes: ['a\n'] }, 'ext.certificate.scopes must be an array of valid scopes'],
    [{ issuer: 7 }, 'ext.certificate.issuer must be a string'],
    [{ issuer: 'tester' }, 'ext.certificate.issuer must differ from the supplied clientId'],
    [{ clientId: 'x' }, 'ext.certificate.clientId must only be used with ext.certificate.issuer'],
    [{ signature: 'AAAA' }, 'ext.certificate.signature is not valid'],
    [{ signature: 7 }, 'ext.certificate.signature is not valid'],
    [{ signature: { toString: 1, valueOf: 1 } }, 'ext.certificate.signature is not valid'],
    [{ scopes: ['c'] }, /^ext\.certificate issuer `tester` doesn't satisfy all certificate scopes c\. / as never],
    [
      { scopes: ['anon:1'] },
      /^ext\.certificate issuer `tester` doesn't satisfy all certificate scopes anon:1\. / as never,
    ],
  ];
  for (const [fields, text] of malformed) {
    it(`with ${JSON.stringify(fields)} are refused`, () => refused(withCertificate(fields), text));
  }

  for (const certificate of [7, 'x', [], true]) {
    it(`${JSON.stringify(certificate)} are no certificate`, () =>
      refused(signed({ ext: { certificate } }), 'ext.certificate must be a JSON object'));
  }

  it('are bound to their scopes, times, name and issuer', async () => {
    const { certificate, key } = certificateOf();
    for (const forged of [{ scopes: ['a:*'] }, { expiry: NOW + 2 * DAY }, { start: NOW - 1 }, { issuer: 'root' }]) {
      const ext = { certificate: { ...certificate, ...forged } };
      await refused(signed({ key, ext }), /^ext\.certificate\.signature is not valid/);
    }
    const named = certificateOf({}, { name: 'nick' });
    await refused(
      signed({ id: 'nack', key: named.key, ext: { certificate: named.certificate } }),
      'ext.certificate.signature is not valid, or wrong clientId provided',
    );
    await refused(
      signed({ id: 'nick', key: 'no-secret', ext: { certificate: named.certificate } }),
      'Unauthorized: Bad mac',
    );
  });

  it('of another name need the right to make such clients', async () => {
    await refused(
      withCertificate({}, { name: 'nicky' }),
      "ext.certificate issuer `tester` doesn't have `auth:create-client:nicky` for supplied clientId.",
    );
    const path = { key: 'path-secret' };
    const fields = { issuer: 'path', scopes: ['a/b'] };
    await accepted(withCertificate(fields, { ...path, name: 't/x' }));
    await refused(withCertificate(fields, { ...path, name: 't' }), /doesn't have `auth:create-client:t`/);
    await refused(withCertificate(fields, { ...path, name: 't/*' }), /doesn't have `auth:create-client:t\/\*`/);
  });

  it('say nothing of what a client may do unless it signed them', async () => {
    const text = 'ext.certificate.signature is not valid';
    await refused(withCertificate({ scopes: ['a:1'], signature: 'forged' }), text);
    await refused(withCertificate({ scopes: ['zz'], signature: 'forged' }), text);
  });

  it('end with the client that made them', async () => {
    await refused(withCertificate({}, { key: 'gone-secret', id: 'gone' }), "Client with clientId: 'gone' has expired");
    await refused(
      withCertificate({ issuer: 'off' }, { key: 'off-secret', name: 'nick' }),
      "Client with clientId 'off' is disabled",
    );
  });
});

describe('whatever comes', () => {
  const anything = fc.string({ unit: 'binary', maxLength: 60 });
  const attribute = fc
    .tuple(
      fc.constantFrom('id', 'ts', 'nonce', 'mac', 'ext', 'hash', 'app', 'x'),
      fc.oneof(anything, fc.constantFrom('tester', '1795192780')),
    )
    .map(([name, value]) => `${name}="${value}"`);
  const header = fc.oneof(
    anything,
    fc.array(attribute, { maxLength: 7 }).map((attributes) => `Hawk ${attributes.join(', ')}`),
  );
  const url = fc.oneof(
    anything,
    anything.map((text) => `/${text}`),
    fc
      .array(anything, { maxLength: 5 })
      .map((parts) => `/?bewit=${Buffer.from(parts.join('\\')).toString('base64url')}`),
    fc
      .tuple(anything, fc.jsonValue())
      .map(
        ([mac, ext]) => `/?bewit=${Buffer.from(`tester\\1795194705\\${mac}\\${encode(ext)}`).toString('base64url')}`,
      ),
  );

  it('is either good or AuthenticationFailed', async () => {
    const { authenticate } = authenticator();
    await fc.assert(
      fc.asyncProperty(header, url, fc.option(anything, { nil: undefined }), async (authorization, path, host) => {
        const request = { ...unsigned(path), authorization, host: host ?? HOST };
        const caller = await authenticate(request).catch((error: unknown) => {
          assert.ok(error instanceof ApiError && error.code === 'AuthenticationFailed', String(error));
        });
        if (caller) assert.equal(caller.clientId, undefined, 'nobody guesses a signature');
      }),
      { numRuns: roundsOf(3_000) },
    );
  });

  it('is read without a crash when it was signed well', async () => {
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom(1, SEED, NOW, NOW + MINUTE, ['a:1'], 'root'));
    const certificate = fc.record(
      {
        version: fc.constantFrom(1, 2),
        seed: field,
        start: field,
        expiry: field,
        scopes: field,
        issuer: field,
        signature: field,
      },
      { requiredKeys: [] },
    );
    const ext = fc.oneof(fc.jsonValue(), fc.record({ certificate, authorizedScopes: field }, { requiredKeys: [] }));
    const { authenticate } = authenticator();
    await fc.assert(
      fc.asyncProperty(ext, async (value) => {
        await authenticate(signed({ ext: value })).catch((error: unknown) => {
          assert.ok(error instanceof ApiError && error.code === 'AuthenticationFailed', String(error));
        });
      }),
      { numRuns: roundsOf(2_000) },
    );
  });

  it('is no 401 while the database is away', async () => {
    const away = new Error('connection refused');
    const { authenticate } = createAuthenticator({
      clock: clockAt(NOW),
      rootUrl: undefined,
      findClient: () => Promise.reject(away),
      roles: () => ROLES,
      replays: createReplays(clockAt(NOW)),
    });
    await assert.rejects(authenticate(signed()), (error) => error === away);
  });
});
