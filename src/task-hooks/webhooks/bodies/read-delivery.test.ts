// A verified body becomes a payload, as its sender meant it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloudEvent, HTTP } from 'cloudevents';
import fc from 'fast-check';
import { roundsOf } from '../../../../test/support/test-length.ts';
import { ApiError } from '../../../http/api-error.ts';
import { headersToShow, type SentHeaders } from '../schemes/headers.ts';
import { readDelivery } from './read-delivery.ts';

const distinct = (headers: Record<string, unknown>): SentHeaders =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [String(value)]]));

const read = (body: string | Buffer, headers: Record<string, unknown> | string) =>
  readDelivery(Buffer.from(body), distinct(typeof headers === 'string' ? { 'content-type': headers } : headers));

const payloadOf = async (...given: Parameters<typeof read>) => (await read(...given)).payload;
const refused = (...given: Parameters<typeof read>) => ({
  with: (code: string, message: RegExp) => assert.rejects(read(...given), { code, message }),
});

describe('a body', () => {
  it('of JSON is what was written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue())),
        fc.constantFrom('application/json', 'Application/JSON; charset=UTF-8', 'application/vnd.acme+json'),
        async (value, type) => {
          const json = JSON.stringify(value);
          assert.deepEqual(await payloadOf(json, type), JSON.parse(json));
        },
      ),
    );
    assert.deepEqual(await payloadOf('', 'application/json'), {});
    await refused('{', 'application/json').with('MalformedPayload', /parse JSON/);
    await refused('1', 'application/json').with('MalformedPayload', /object or array/);
    await refused('['.repeat(501), 'application/json').with('MalformedPayload', /deeper/);
    await refused(`[${'0,'.repeat(200_000)}0]`, 'application/json').with('InputTooLarge', /values/);
  });

  it('of a form is an object of its fields', async () => {
    const form = 'application/x-www-form-urlencoded';
    assert.deepEqual(await payloadOf('text=a+b%2Bc&user=%C3%BC&tag=1&tag=2&tag=3', form), {
      ...{ text: 'a b+c', user: 'ü', tag: ['1', '2', '3'] },
    });
    const hostile = (await payloadOf('__proto__=x&constructor=y', form)) as Record<string, unknown>;
    assert.deepEqual(Object.keys(hostile), ['__proto__', 'constructor']);
    await refused('a=1&'.repeat(1_001), form).with('InputTooLarge', /1,000 fields/);
  });

  it('of a form whose only field is a payload of JSON is that payload', async () => {
    const form = 'application/x-www-form-urlencoded';
    const sent = (value: string, more = '') => payloadOf(`payload=${encodeURIComponent(value)}${more}`, form);
    assert.deepEqual(await sent('{"zen":"ü&=+"}'), { zen: 'ü&=+' });
    assert.deepEqual(await sent('{}', '&more=1'), { payload: '{}', more: '1' });
    assert.deepEqual(await sent('plain'), { payload: 'plain' });
    assert.deepEqual(await sent('{}', '&payload=2'), { payload: ['{}', '2'] });
    await refused(`payload=${'['.repeat(501)}`, form).with('MalformedPayload', /deeper/);
    await refused('payload={no json', form).with('MalformedPayload', /parse JSON/);
  });

  it('of text is a text, and of another type tells the type too', async () => {
    assert.deepEqual(await payloadOf('grün', 'text/plain; charset="utf-8"'), { text: 'grün' });
    assert.deepEqual(await payloadOf('<a/>', 'application/xml'), { text: '<a/>', contentType: 'application/xml' });
    assert.deepEqual(await payloadOf('x', {}), { text: 'x', contentType: '' });
  });

  it('of bytes, or in another encoding, is of no use', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00]);
    for (const type of ['text/plain', 'image/png', 'application/x-www-form-urlencoded']) {
      await refused(bytes, type).with('UnsupportedMediaType', /neither JSON nor text/);
    }
    await refused('x', 'text/plain; charset=latin1').with('UnsupportedMediaType', /UTF-8/);
    await refused(Buffer.alloc(1024 * 1024 + 1, 'x'), 'text/plain').with('InputTooLarge', /1 MB/);
  });

  it('of any bytes and of any type is a payload, or refused with a reason', async () => {
    const json = fc.json().map((text) => Buffer.from(text));
    const event = fc
      .record({ specversion: fc.constant('1.0'), id: fc.string(), source: fc.string(), type: fc.string() })
      .chain((all) =>
        fc
          .record({ data: fc.jsonValue(), data_base64: fc.base64String() }, { requiredKeys: [] })
          .map((more) => Buffer.from(JSON.stringify({ ...all, ...more }))),
      );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      json,
      event,
    );
    const types = [
      'application/json',
      'application/cloudevents+json',
      'application/x-www-form-urlencoded',
      'text/a',
      '',
    ];
    const type = fc.oneof(fc.constantFrom(...types), fc.string());
    const ce = fc.dictionary(fc.constantFrom('ce-specversion', 'ce-id', 'ce-type', 'ce-source', 'ce-x'), fc.string());
    await fc.assert(
      fc.asyncProperty(body, type, ce, async (bytes, contentType, more) => {
        try {
          const { payload } = await read(bytes, { 'content-type': contentType, ...more });
          assert.ok(typeof payload === 'object' && payload !== null);
        } catch (error) {
          assert.ok(error instanceof ApiError, String(error));
        }
      }),
      { numRuns: roundsOf(1_000) },
    );
  });

  it('has one content type', async () => {
    const headers = { 'content-type': ['application/json', 'text/plain'] };
    await assert.rejects(readDelivery(Buffer.from('{}'), headers), {
      code: 'MalformedPayload',
      message: /content-type/,
    });
  });
});

describe('a CloudEvent', () => {
  const about = { id: '1', source: '/orders', type: 'order.placed', subject: 'grün', acmeregion: 'eu' };
  const event = (more: object) => new CloudEvent({ ...about, time: '2026-01-01T00:00:00.000Z', ...more });
  const sent = (message: { headers: object; body: unknown }) =>
    read(String(message.body ?? ''), { ...message.headers });

  it('is read in both modes as the library of CloudEvents writes it', async () => {
    const data = { order: 7, text: 'ü' };
    for (const mode of [HTTP.binary, HTTP.structured]) {
      const { payload, cloudevent } = await sent(mode(event({ data, datacontenttype: 'application/json' })));
      assert.deepEqual(payload, data);
      const { id, source, type, acmeregion, specversion } = cloudevent ?? {};
      assert.deepEqual([id, source, type, acmeregion, specversion], ['1', '/orders', 'order.placed', 'eu', '1.0']);
    }
  });

  const structured = (more: object) =>
    read(JSON.stringify({ specversion: '1.0', ...about, ...more }), 'application/cloudevents+json; charset=utf-8');

  it('may carry bytes, a text, or nothing', async () => {
    const encoded = Buffer.from('{"a":1}').toString('base64');
    assert.deepEqual((await structured({ data_base64: encoded })).payload, { a: 1 });
    const type = 'text/plain';
    assert.deepEqual((await structured({ data_base64: encoded, datacontenttype: type })).payload, { text: '{"a":1}' });
    assert.deepEqual((await structured({ data: 'x', datacontenttype: type })).payload, { text: 'x' });
    assert.deepEqual((await structured({ data: 7 })).payload, { data: 7 });
    assert.deepEqual((await structured({})).payload, {});
  });

  it('has its attributes beside the payload, those in headers decoded', async () => {
    assert.deepEqual(await structured({ data: {} }), { payload: {}, cloudevent: { specversion: '1.0', ...about } });
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/s',
      'ce-type': 't',
      'ce-subject': 'gr%C3%BCn',
    };
    const { cloudevent } = await read('{}', { ...headers, 'content-type': 'application/json' });
    assert.deepEqual(cloudevent, {
      ...{ specversion: '1.0', id: '1', source: '/s', type: 't', subject: 'grün', datacontenttype: 'application/json' },
    });
  });

  it('that is none is malformed, and says why', async () => {
    const malformed = (promise: Promise<unknown>, message: RegExp) =>
      assert.rejects(promise, { code: 'MalformedPayload', message });
    await malformed(structured({ specversion: '0.3' }), /specversion is not 1.0/);
    await malformed(structured({ id: undefined }), /attribute id/);
    await malformed(structured({ data: 1, data_base64: '' }), /both/);
    await malformed(structured({ data_base64: '?' }), /base64/);
    await malformed(read('[]', 'application/cloudevents+json'), /no object/);
    const headers = { 'ce-specversion': '1.0', 'ce-id': '%', 'ce-source': '/s', 'ce-type': 't' };
    await malformed(read('{}', headers), /ce-id/);
  });

  it('comes alone', async () => {
    await refused('[]', 'application/cloudevents-batch+json').with('UnsupportedMediaType', /one at a time/);
  });
});

describe('headers', () => {
  it('are shown without what proves something', () => {
    const sent = distinct({
      ...{ 'X-GitHub-Event': 'push', 'User-Agent': 'GitHub-Hookshot/1', Authorization: 'Bearer x', Cookie: 'a=b' },
      ...{
        'X-Hub-Signature-256': 'x',
        'X-Gitlab-Token': 'x',
        'X-Api-Key': 'x',
        'Proxy-Authorization': 'x',
        'X-Shopify-Hmac-Sha256': 'x',
        'X-Auth-Key': 'x',
        'X-Goog-Jwt-Assertion': 'x',
        'X-Author': 'me',
        'X-Mac': 'x',
      },
    });
    const shown = { 'x-github-event': 'push', 'user-agent': 'GitHub-Hookshot/1', 'x-author': 'me' };
    assert.deepEqual(headersToShow(sent, 'X-MAC'), shown);
  });
});
