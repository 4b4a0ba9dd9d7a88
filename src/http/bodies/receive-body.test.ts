import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { systemClock } from '../../core/clock.ts';
import { BODY_LIMIT_BYTES, SMALL_BODY_BYTES } from './body.ts';
import { createBodyBudget } from './body-budget.ts';
import { MOST_VALUES } from './json-structure.ts';
import { type IncomingBody, receiveBody } from './receive-body.ts';

const MB = 1024 * 1024;

/**
 * What the server makes of a request with these headers, and the connection to send its body on.
 */
const open = async (t: TestContext, headers: Record<string, string | number>, limit = BODY_LIMIT_BYTES) => {
  const arrived = Promise.withResolvers<{ body: IncomingBody; request: IncomingMessage }>();
  const server = createServer((request) => {
    const budget = createBodyBudget(systemClock);
    arrived.resolve({ body: receiveBody(request, { limit, budget, clock: systemClock }), request });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  t.after(() => {
    socket.destroy();
    server.close();
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${lines.join('')}\r\n`);
  return { ...(await arrived.promise), socket };
};

const receive = async (t: TestContext, sent: Buffer, headers: Record<string, string> = {}, limit?: number) => {
  const { body, socket } = await open(t, { 'content-length': sent.length, ...headers }, limit);
  socket.write(sent);
  await body.begin();
  return body.read();
};

const text = Buffer.from('{"a":"ü"}');
const malformed = (message: RegExp) => ({ code: 'MalformedPayload', message });
const tooLarge = { code: 'InputTooLarge' };
const encoded = (coding: string) => ({ 'content-encoding': coding });
const json = { 'content-type': 'application/json' };

describe('a body', () => {
  it('that was compressed is as it was before', async (t) => {
    for (const large of [text, Buffer.alloc(MB, 'ü')]) {
      assert.deepEqual(await receive(t, gzipSync(large), encoded('gzip')), large);
      assert.deepEqual(await receive(t, deflateSync(large), encoded('deflate')), large);
      assert.deepEqual(await receive(t, brotliCompressSync(large), encoded('br')), large);
      assert.deepEqual(await receive(t, large, encoded('identity')), large);
      assert.deepEqual(await receive(t, large), large);
    }
    assert.deepEqual(await receive(t, Buffer.alloc(0)), Buffer.alloc(0));
  });

  it('that grows beyond the limit is refused, and one of just that size is not', async (t) => {
    const bomb = (bytes: number) => receive(t, gzipSync(Buffer.alloc(bytes)), encoded('gzip'));
    await assert.rejects(bomb(BODY_LIMIT_BYTES + 1), tooLarge);
    await assert.rejects(bomb(20 * BODY_LIMIT_BYTES), tooLarge);
    assert.equal((await bomb(BODY_LIMIT_BYTES)).length, BODY_LIMIT_BYTES);
    await assert.rejects(receive(t, Buffer.alloc(101), {}, 100), tooLarge);
    assert.equal((await receive(t, Buffer.alloc(100), {}, 100)).length, 100);
  });

  it('is counted as it is sent, too: a coding may make nothing of any number of bytes', async (t) => {
    const nothing = Buffer.concat(Array.from({ length: 2 * MB }, () => Buffer.from([0, 0, 0, 0xff, 0xff])));
    const sent = Buffer.concat([Buffer.from([0x78, 0x9c]), nothing.subarray(0, 5 * MB), deflateRawSync(text)]);
    const { body, socket } = await open(t, { 'transfer-encoding': 'chunked', ...encoded('deflate') }, MB);
    socket.write(`${sent.length.toString(16)}\r\n`);
    socket.write(sent);
    await assert.rejects(body.begin(), tooLarge);
  });

  it('that is not what its encoding says, or of an unknown encoding, is malformed', async (t) => {
    for (const coding of ['gzip', 'deflate', 'br']) {
      await assert.rejects(receive(t, text, encoded(coding)), malformed(new RegExp(`not valid ${coding}`)));
    }
    await assert.rejects(receive(t, gzipSync(text).subarray(0, 15), encoded('gzip')), malformed(/not valid gzip/));
    for (const coding of ['zstd', 'gzip, br', '']) {
      await assert.rejects(receive(t, text, encoded(coding)), malformed(/Unsupported content-encoding/));
    }
  });

  it('is read up to 100 KB before somebody wants all of it', async (t) => {
    const { body, socket, request } = await open(t, { 'content-length': 4 * MB });
    socket.write(Buffer.alloc(4 * MB));
    assert.equal(await body.begin(), false);
    assert.equal(request.isPaused(), true);
    assert.equal(request.complete, false);
    assert.equal((await body.read()).length, 4 * MB);
  });

  it('of 100 KB is small, and known without a further look', async (t) => {
    const { body, socket } = await open(t, { 'content-length': SMALL_BODY_BYTES });
    socket.write(Buffer.alloc(SMALL_BODY_BYTES));
    assert.equal(await body.begin(), true);
  });

  it('that says it is too large is refused before it comes', async (t) => {
    const { body } = await open(t, { 'content-length': 11 * MB });
    await assert.rejects(body.begin(), tooLarge);
  });

  it('that breaks off is malformed', async (t) => {
    const { body, socket } = await open(t, { 'content-length': 4 * MB });
    socket.write(Buffer.alloc(MB));
    assert.equal(await body.begin(), false);
    const read = body.read();
    socket.destroy();
    await assert.rejects(read, malformed(/ended before all of it had come/));
  });

  it('of JSON with too many values is refused while it comes, a text of any length is not', async (t) => {
    const zeros = (count: number) => Buffer.from(`[${Array.from({ length: count }, () => 0).join(',')}]`);
    const { body, socket } = await open(t, { 'content-length': 9 * MB, ...json });
    socket.write(zeros(2 * MOST_VALUES));
    await assert.rejects(
      body.begin().then(() => body.read()),
      { code: 'InputTooLarge', message: /120,000 values/ },
    );
    assert.ok(await receive(t, zeros(MOST_VALUES), json));
    const log = Buffer.from(JSON.stringify({ log: '[0,{"a":1}]\n'.repeat(500_000) }));
    assert.equal((await receive(t, log, json)).length, log.length);
  });
});

describe('a body in very small pieces', () => {
  const chunked = { 'transfer-encoding': 'chunked' };
  const pieces = (count: number) => '1\r\nx\r\n'.repeat(count);

  it('is all there', async (t) => {
    const { body, socket } = await open(t, chunked);
    socket.write(`${pieces(20_000)}${(300 * 1024).toString(16)}\r\n${'y'.repeat(300 * 1024)}\r\n0\r\n\r\n`);
    await body.begin();
    assert.equal((await body.read()).toString(), 'x'.repeat(20_000) + 'y'.repeat(300 * 1024));
  });

  it('of which there are too many is refused, and no more of it is read', async (t) => {
    const inPieces = (bytes: Buffer) =>
      Buffer.concat([...bytes].map((byte) => Buffer.from([0x31, 13, 10, byte, 13, 10])));
    // A text, and blocks of a coding that make nothing.
    const empty = Buffer.from([0, 0, 0, 0xff, 0xff]);
    const deflated = Buffer.concat([Buffer.from([0x78, 0x9c]), ...Array<Buffer>(20_000).fill(empty)]);
    for (const [headers, sent] of [
      [chunked, Buffer.from(pieces(100_000))],
      [{ ...chunked, ...encoded('deflate') }, inPieces(deflated)],
    ] as const) {
      const { body, socket, request } = await open(t, headers);
      socket.write(sent);
      await assert.rejects(body.begin(), { code: 'InputTooLarge', message: /25,000 pieces/ });
      body.end();
      assert.equal(request.isPaused(), true);
    }
  });

  it('is not drained after another refusal either', async (t) => {
    const { body, socket, request } = await open(t, { ...chunked, ...json });
    socket.write('200\r\n');
    socket.write('['.repeat(512));
    await assert.rejects(body.begin(), malformed(/deeper/));
    body.end();
    const paused = once(request, 'pause');
    socket.write(`\r\n${pieces(100_000)}`);
    await paused;
  });

  it('is not drained when nobody wanted it', async (t) => {
    const { body, socket, request } = await open(t, chunked);
    body.end();
    const paused = once(request, 'pause');
    socket.write(pieces(100_000));
    await paused;
  });
});

describe('the bodies of all requests together', () => {
  const clock = createFakeClock();

  it('take no more than their budget; who comes when it is used up waits', async () => {
    const budget = createBodyBudget(clock, 10);
    const [first, second, third] = [budget.open(), budget.open(), budget.open()];
    assert.equal(first.take(6), undefined);
    assert.equal(second.take(4), undefined);
    const waited = third.take(5);
    assert.ok(waited);
    assert.equal(first.take(100), undefined, 'the oldest has room, or all could wait for each other');
    first.release();
    await waited;
    second.release();
    third.release();
  });

  it('do not make anybody wait for ever', async () => {
    const budget = createBodyBudget(clock, 10);
    const [first, second] = [budget.open(), budget.open()];
    first.take(10);
    const waited = second.take(1);
    const refused = assert.rejects(waited ?? Promise.resolve(), { code: 'ServiceUnavailable' });
    await clock.advance(31_000);
    await refused;
  });
});
