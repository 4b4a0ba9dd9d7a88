// The package hawk, which the field signs and verifies with, says the same as our own Hawk.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import hawk from 'hawk';
import { ApiError } from '../../http/api-error.ts';
import { hawkMac, hawkPayloadHash, signHawk } from '../../taskcluster/hawk.ts';
import { readBewit } from './read-bewit.ts';
import { ATTRIBUTES, readHeader } from './read-header.ts';

const NOW_S = 1_795_192_780;
const KEY = 'no-secret';
const CREDENTIALS = { key: KEY, algorithm: 'sha256' } as const;
const localtimeOffsetMsec = () => NOW_S * 1000 - hawk.utils.now();

const printable = fc.stringMatching(/^[ !#-[\]-~]{1,20}$/);
const path = fc.stringMatching(/^\/[!-"$->@-~]{0,20}(\?[!-"$-%'-~]{0,20})?$/);
const host = fc.constantFrom('example.com', 'TC.example.com', '127.0.0.1', '::1');
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  url: path,
  host,
  port: fc.integer({ min: 1, max: 65_535 }),
});
const contentType = fc.constantFrom(undefined, '', 'application/json', ' Text/Plain ; charset=utf-8', ';');

/** What hawk makes of a header: its attributes, or how it refuses. */
const theirs = async (authorization: string): Promise<object | string> => {
  try {
    const target = { method: 'GET', url: '/', host: 'example.com', port: 80, authorization };
    const { artifacts } = await hawk.server.authenticate(target, async () => CREDENTIALS, {});
    return artifacts;
  } catch (error) {
    const { output, message, artifacts } = error as Error & {
      output: { payload: { error: string } };
      artifacts?: object;
    };
    return message === 'Bad mac' && artifacts ? artifacts : `${output.payload.error}: ${message}`;
  }
};

const ours = (authorization: string): object | string => {
  try {
    return readHeader(authorization);
  } catch (error) {
    assert.ok(error instanceof ApiError);
    return error.message;
  }
};

describe('our Hawk', () => {
  it('computes the MAC of hawk, of headers and of bewits', () => {
    const fields = fc.record(
      { hash: printable, ext: fc.string({ unit: 'grapheme', maxLength: 20 }), app: printable, dlg: printable },
      { requiredKeys: [] },
    );
    const type = fc.constantFrom('header', 'bewit');
    fc.assert(
      fc.property(
        type,
        request,
        printable,
        fields,
        fc.string(),
        (kind, { method, url, ...place }, nonce, more, key) => {
          const theirFields = { ts: NOW_S, nonce, method, resource: url, ...place, ...more };
          const ourFields = { timestamp: NOW_S, nonce, verb: method, resource: url, ...place, ...more };
          const expected = hawk.crypto.calculateMac(kind, { key, algorithm: 'sha256' }, theirFields);
          assert.equal(hawkMac(kind, key, ourFields), expected);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('hashes payloads as hawk does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), contentType, (body, type) => {
        const expected = hawk.crypto.calculatePayloadHash(Buffer.from(body), 'sha256', type);
        assert.equal(hawkPayloadHash(body, type), expected);
      }),
    );
  });

  it('signs what hawk verifies', async () => {
    const url = fc.constantFrom('http://example.com', 'https://example.com:444', 'http://[::1]:8080');
    await fc.assert(
      fc.asyncProperty(url, path, fc.option(fc.base64String({ minLength: 1 })), async (origin, resource, ext) => {
        const target = new URL(origin + resource);
        const moment = { timestamp: NOW_S, nonce: 'n' };
        const authorization = signHawk(
          { id: 'me', key: KEY, ext: ext ?? undefined },
          { verb: 'GET', url: target, ...moment },
        );
        const { artifacts } = await hawk.server.authenticate(
          {
            ...{ method: 'GET', url: `${target.pathname}${target.search}`, authorization },
            host: target.hostname.replace(/[[\]]/g, ''),
            port: Number(target.port || 80),
          },
          async () => CREDENTIALS,
          { localtimeOffsetMsec: localtimeOffsetMsec() },
        );
        assert.equal(artifacts.id, 'me');
        assert.deepEqual(readHeader(authorization).ext, artifacts.ext);
      }),
    );
  });

  it('reads the headers that hawk reads, and refuses those that hawk refuses', async () => {
    const name = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom<string>(...ATTRIBUTES) },
      { weight: 1, arbitrary: fc.constantFrom('', 'x', 'ID', 'a'.repeat(20), 'i d', '__proto__', 'constructor') },
    );
    const value = fc.oneof({ weight: 9, arbitrary: printable }, fc.constantFrom('', 'a"b', 'a\\b', 'é', '\t', '\n'));
    const attribute = fc
      .tuple(name, value, fc.constantFrom(', ', ',', ' , ', '', ' ', ',,'))
      .map(([key, text, separator]) => `${key}="${text}"${separator}`);
    const complete = fc
      .tuple(
        fc.oneof(...[fc.subarray, fc.shuffledSubarray].map((some) => some([...ATTRIBUTES], { minLength: 4 }))),
        fc.array(printable, { minLength: 8, maxLength: 8 }),
      )
      .map(([keys, texts]) => keys.map((key, index) => `${key}="${texts[index]}"`).join(', '));
    const scheme = fc.oneof(
      { weight: 8, arbitrary: fc.constant('Hawk ') },
      fc.constantFrom('hawk  ', 'HAWK\t', 'Hawk', 'Bearer ', '', 'Hawk! ', ' Hawk '),
    );
    const rest = fc.oneof(
      complete,
      fc.array(attribute, { maxLength: 8 }).map((all) => all.join('')),
      fc.tuple(complete, attribute).map((both) => both.join(',')),
      fc.string({ maxLength: 30 }),
    );
    await fc.assert(
      fc.asyncProperty(scheme, rest, async (which, text) => {
        const authorization = which + text;
        fc.pre(authorization !== '');
        const [expected, found] = [await theirs(authorization), ours(authorization)];
        if (typeof expected === 'string')
          assert.equal(typeof found, 'string', `${JSON.stringify(authorization)}: ${expected}`);
        else if (/[^\x20-\x7e]/.test(authorization)) assert.equal(found, 'Bad Request: Bad header format');
        else
          for (const key of ATTRIBUTES) {
            assert.equal(
              (found as Record<string, unknown>)[key],
              (expected as Record<string, unknown>)[key],
              authorization,
            );
          }
      }),
      { numRuns: 3_000 },
    );
  });

  it('refuses headers with one fault in the words of hawk', async () => {
    const good = 'id="a", ts="1", nonce="n", mac="m"';
    for (const header of [
      ...['Hawk', 'Hawk ', 'Bearer x', 'Basic', '!', 'Hawk!', `Hawk ${'x'.repeat(4_096)}`],
      ...['Hawk x', 'Hawk id="a"', `Hawk ${good}, id="b"`, `Hawk ${good}, who="b"`, `Hawk ${good}, ext=""`],
      ...[`Hawk ${good}; x`, `Hawk ${good},, ext="x"`, `Hawk ${good} ext="x`, `Hawk ${good}, ext=x`],
    ]) {
      assert.equal(ours(header), await theirs(header), header);
    }
  });

  it('reads the bewits that hawk reads, and refuses those that hawk refuses', async () => {
    const part = fc.oneof(fc.stringMatching(/^[ -[\]-~]{0,12}$/), fc.constantFrom('', '9999999999', 'é'));
    const bewit = fc.oneof(
      fc
        .array(part, { minLength: 3, maxLength: 5 })
        .map((parts) => Buffer.from(parts.join('\\'), 'latin1').toString('base64url')),
      fc.stringMatching(/^[\w$%=&-]{0,20}$/),
    );
    const url = fc
      .tuple(path, fc.constantFrom('?', '&', ''), bewit, fc.constantFrom('', '&a=b', '&', '&bewit=x'))
      .map(([start, separator, encoded, end]) => `${start}${separator}bewit=${encoded}${end}`);
    await fc.assert(
      fc.asyncProperty(url, async (signed) => {
        let expected: unknown;
        try {
          const target = { method: 'GET', url: signed, host: 'example.com', port: 80 };
          const { attributes } = await hawk.server.authenticateBewit(target, async () => CREDENTIALS, {});
          expected = attributes;
        } catch (error) {
          const { output, message, attributes } = error as Error & {
            output: { payload: { error: string } };
            attributes?: object;
          };
          expected = attributes ?? `${output.payload.error}: ${message}`;
        }
        let found: unknown;
        try {
          const { resource, ...parts } = readBewit(signed);
          assert.ok(resource.startsWith('/'));
          found = parts;
        } catch (error) {
          found = (error as Error).message;
        }
        assert.deepEqual(found, expected, signed);
      }),
      { numRuns: 2_000 },
    );
  });
});
