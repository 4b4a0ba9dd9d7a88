// What the client signs is, character for character, what the field's own `hawk` and
// `taskcluster-client` sign.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import hawk from 'hawk';
import { HOOKS_SERVICE } from '../../client/hooks-api.ts';
import { createTemporaryCredentials, Hooks } from '../../client/index.ts';
import { type QueryValues, type Service, urlOf } from '../../client/service.ts';
import { createSigner } from '../../client/signing/credentials.ts';
import { createBewit, signRequest } from '../../client/signing/hawk.ts';
import { realSurroundings } from '../../client/surroundings.ts';
import { verifyCertificate } from '../../src/auth/signatures/certificate.ts';
import { clientsOf, taskcluster } from '../support/client.ts';
import { createFakeSurroundings } from './fake-surroundings.ts';

const HOOKS: Service = HOOKS_SERVICE;
const MINUTE = 60_000;

const rootUrl = fc.constantFrom(
  'http://127.0.0.1:8080',
  'http://localhost',
  'https://hooks.example.com',
  'https://HOOKS.example.com:444/',
  'https://example.com/below/here',
  'http://[::1]:9000',
);
const text = fc
  .oneof(fc.string({ minLength: 1 }), fc.string({ unit: 'binary', minLength: 1 }))
  .filter((value) => !/^\.{1,2}$/.test(value));
const clientId = fc.stringMatching(/^[A-Za-z0-9!@/:.+|_-]{1,40}$/);
const accessToken = fc.string({ unit: 'grapheme', minLength: 1 });
const scope = fc.stringMatching(/^[ -~]{1,30}$/);
const scopes = fc.array(fc.oneof(scope, fc.string({ unit: 'grapheme' })), { maxLength: 4 });
const certificate = fc.option(fc.record({ version: fc.constant(1), scopes, seed: fc.string() }), { nil: undefined });

/** Any call of the hooks API, as its URL and verb. */
const call = fc
  .record({
    rootUrl,
    name: fc.constantFrom(...Object.keys(HOOKS.methods)),
    values: fc.tuple(text, text, text),
    limit: fc.option(fc.nat(), { nil: undefined }),
    continuationToken: fc.option(text, { nil: undefined }),
  })
  .map(({ rootUrl: root, name, values, ...query }) => {
    const method = HOOKS.methods[name];
    if (!method) throw new Error(`there is no ${name}`);
    const wanted: QueryValues = Object.fromEntries(
      Object.entries(query).filter(([key]) => method.query?.includes(key)),
    );
    return {
      name,
      values,
      query: wanted,
      rootUrl: root,
      verb: method.verb,
      url: urlOf(root.replace(/\/$/, ''), HOOKS, name, { values, query: wanted }),
    };
  });

describe('a signature', () => {
  it('in a header is that of hawk, with and without a body', async () => {
    const nonce = fc.stringMatching(/^[A-Za-z0-9_-]{1,16}$/);
    const body = fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined });
    const options = { certificate, authorizedScopes: fc.option(scopes, { nil: undefined }) };
    await fc.assert(
      fc.asyncProperty(
        fc.record({ call, clientId, accessToken, nonce, body, timestamp: fc.nat(), ...options }),
        async ({ call: { verb, url }, body: sent, nonce: chosen, timestamp, ...who }) => {
          const { clientId: id, accessToken: key, authorizedScopes } = who;
          const given = {
            clientId: id,
            accessToken: key,
            certificate: who.certificate && JSON.stringify(who.certificate),
          };
          const signer = createSigner(given, authorizedScopes);
          assert.ok(signer);
          const moment = { timestamp: timestamp + 1, nonce: chosen };
          const request = {
            verb,
            url,
            body: sent === undefined ? undefined : { text: sent, contentType: 'application/json' },
          };
          const { header } = hawk.client.header(url.href, verb, {
            credentials: { id, key, algorithm: 'sha256' },
            ...moment,
            ...(signer.ext !== undefined && { ext: signer.ext }),
            ...(sent !== undefined && { payload: sent, contentType: 'application/json' }),
          });
          assert.equal(await signRequest(signer, request, moment), header);
          // What stands in it is what the clients that people know would say.
          const { _extData } = new taskcluster.Hooks({
            rootUrl: 'http://127.0.0.1',
            credentials: given,
            ...(authorizedScopes && { authorizedScopes }),
          });
          assert.equal(signer.ext, _extData);
        },
      ),
    );
  });

  it('in a URL is that of taskcluster-client, and so is the URL', async () => {
    const get = call.filter(({ verb }) => verb === 'GET');
    await fc.assert(
      fc.asyncProperty(
        get,
        clientId,
        accessToken,
        fc.integer({ min: 1, max: 10 ** 6 }),
        async (made, id, key, expiration) => {
          const credentials = { clientId: id, accessToken: key };
          const theirs = clientsOf(made.rootUrl, credentials, { authorizedScopes: ['a'] }).hooks;
          const args = [...made.values.slice(0, countOf(made.name))];
          const query = Object.fromEntries(Object.entries(made.query).filter(([, value]) => value !== undefined));
          const all = HOOKS.methods[made.name]?.query ? [...args, query] : args;
          if (!(made.name in theirs)) return; // Hookwright alone has it
          const signed = new URL(theirs.buildSignedUrl(theirs[made.name], ...all, { expiration }));
          const [, expires] = Buffer.from(signed.searchParams.get('bewit') ?? '', 'base64url')
            .toString()
            .split('\\');
          const now = () => (Number(expires) - expiration) * 1000;
          const ours = new Hooks(
            { rootUrl: made.rootUrl, credentials, authorizedScopes: ['a'] },
            createFakeSurroundings({ now }),
          );
          const method = ours[made.name as keyof Hooks] as () => Promise<unknown>;
          assert.equal(await ours.buildSignedUrl(method, ...all, { expiration }), signed.href);
          assert.equal(
            ours.buildUrl(method, ...all),
            new URL(theirs.buildUrl(theirs[made.name], ...all)).href.replaceAll("'", '%27'),
          );
        },
      ),
    );
  });

  it('in a URL is what hawk reads, whatever the query', async () => {
    await fc.assert(
      fc.asyncProperty(call, clientId, accessToken, async ({ url }, id, key) => {
        const expires = Math.floor(realSurroundings.now() / 1000) + 900;
        const bewit = await createBewit({ id, key, ext: undefined }, url, expires);
        const signed = new URL(url);
        signed.search += `${signed.search === '' ? '' : '&'}bewit=${bewit}`;
        const request = {
          method: 'GET',
          url: `${signed.pathname}${signed.search}`,
          host: url.hostname.replace(/[[\]]/g, ''),
          port: Number(url.port) || (url.protocol === 'http:' ? 80 : 443),
        };
        const { attributes } = await hawk.server.authenticateBewit(
          request,
          async () => ({ key, algorithm: 'sha256' }),
          {},
        );
        assert.equal(attributes.id, id);
      }),
    );
  });
});

const countOf = (name: string): number => HOOKS.methods[name]?.route.match(/</g)?.length ?? 0;

describe('temporary credentials', () => {
  const times = fc
    .record({ start: fc.integer({ min: 0, max: 2 ** 42 }), length: fc.integer({ min: 0, max: 31 * 24 * 60 * MINUTE }) })
    .map(({ start, length }) => ({ start: new Date(start), expiry: new Date(start + length) }));
  const name = fc.option(clientId, { nil: undefined });

  it('are those of taskcluster-client, named or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        times,
        clientId,
        accessToken,
        name,
        fc.array(scope, { minLength: 1, maxLength: 4 }),
        async (between, issuer, key, named, granted) => {
          fc.pre(named !== issuer);
          const options = {
            ...between,
            credentials: { clientId: issuer, accessToken: key },
            scopes: granted,
            ...(named && { clientId: named }),
          };
          const theirs = taskcluster.createTemporaryCredentials(options);
          const { seed } = JSON.parse(theirs.certificate);
          const slugs = [seed.slice(0, 22), seed.slice(22)];
          const randomBytes = () => new Uint8Array(Buffer.from(slugs.shift() ?? '', 'base64url'));
          const ours = await createTemporaryCredentials(options, { ...realSurroundings, randomBytes });
          assert.deepEqual(
            { ...ours, certificate: JSON.parse(ours.certificate) },
            { ...theirs, certificate: JSON.parse(theirs.certificate) },
          );
        },
      ),
    );
  });

  it('pass the check of the server, also without scopes', async () => {
    await fc.assert(
      fc.asyncProperty(
        clientId,
        accessToken,
        name,
        fc.array(scope, { maxLength: 3 }),
        async (issuer, key, named, granted) => {
          fc.pre(named !== issuer);
          const now = Date.UTC(2026, 10, 20);
          const { accessToken: temporary, ...made } = await createTemporaryCredentials({
            credentials: { clientId: issuer, accessToken: key },
            scopes: granted,
            start: new Date(now),
            expiry: new Date(now + MINUTE),
            clientId: named,
          });
          const expandedScopes = () => ['*'];
          const verified = verifyCertificate(JSON.parse(made.certificate), {
            name: made.clientId,
            issuer: { clientId: issuer, accessToken: key, expandedScopes },
            now,
          });
          assert.deepEqual(verified, { key: temporary, scopes: granted, expires: now + MINUTE });
        },
      ),
    );
  });

  it('have a seed that nobody has seen before, and begin now unless they are told when', async () => {
    const options = {
      credentials: { clientId: 'a', accessToken: 'b' },
      scopes: ['c'],
      expiry: new Date(Date.UTC(2026, 10, 21)),
    };
    const now = () => Date.UTC(2026, 10, 20);
    const make = async () =>
      JSON.parse((await createTemporaryCredentials(options, { ...realSurroundings, now })).certificate);
    const [one, other] = [await make(), await make()];
    assert.notEqual(one.seed, other.seed);
    assert.match(one.seed, /^[\w-]{44}$/);
    assert.equal(one.start, now());
  });

  it('are not made of what cannot work, and say so without a secret', async () => {
    const good = {
      credentials: { clientId: 'a', accessToken: 'do-not-tell' },
      scopes: ['c'],
      start: new Date(0),
      expiry: new Date(1),
    };
    const month = 31 * 24 * 60 * MINUTE;
    await createTemporaryCredentials({ ...good, expiry: new Date(month) });
    const bad: readonly [object, RegExp][] = [
      [{ expiry: new Date(month + 1) }, /31 days/],
      [{ expiry: new Date(Number.NaN) }, /expiry must be a Date/],
      [{ start: 5 }, /start must be a Date/],
      [{ scopes: 'c' }, /scopes must be an array of strings/],
      [{ clientId: 'a' }, /another one/],
      [{ clientId: '' }, /clientId must be/],
      [{ clientId: 'x"y' }, /clientId must be/],
      [{ credentials: undefined }, /credentials.clientId/],
      [{ credentials: { clientId: 'a', accessToken: '' } }, /accessToken/],
      [{ credentials: { ...good.credentials, certificate: '{}' } }, /Temporary credentials cannot make others/],
    ];
    for (const [change, expected] of bad) {
      const made = createTemporaryCredentials({ ...good, ...change } as typeof good);
      await assert.rejects(made, (error: Error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, expected);
        return !error.stack?.includes('do-not-tell');
      });
    }
  });
});
