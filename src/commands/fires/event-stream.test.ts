import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readEvents, type StreamEvent } from './event-stream.ts';

const streamOf = (...pieces: readonly string[]): ReadableStream<Uint8Array> =>
  ReadableStream.from(pieces.map((piece) => Buffer.from(piece, 'latin1')));

const readAll = async (stream: ReadableStream<Uint8Array>, signal = new AbortController().signal) => {
  const events: StreamEvent[] = [];
  for await (const event of readEvents(stream, signal)) events.push(event);
  return events;
};

it('events are read wherever the pieces of the stream end, in the middle of a character too', async () => {
  const text = Buffer.from(':\n\nid: 7\ndata: {"a":"é:"}\n\n:\n\nevent: gap\ndata: {}\n\n').toString('latin1');
  const expected = [
    { event: 'message', id: '7', data: '{"a":"é:"}' },
    { event: 'gap', id: undefined, data: '{}' },
  ];
  for (let at = 1; at < text.length; at += 1) {
    assert.deepEqual(await readAll(streamOf(text.slice(0, at), text.slice(at))), expected);
  }
  assert.deepEqual(await readAll(streamOf(...text)), expected);
});

it('what has no end yet is no event, and an abort ends the reading', async () => {
  assert.deepEqual(await readAll(streamOf('id: 1\ndata: {}\n')), []);
  await assert.rejects(readAll(new ReadableStream(), AbortSignal.abort()), { name: 'AbortError' });
});
