// A channel loses no event and repeats none, whatever happens to its streams; and it keeps no more
// than its bounds.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import {
  createChannel,
  EXPIRY_AFTER_ACK_MS,
  EXPIRY_MS,
  KEEP_ALIVE_MS,
  LARGEST,
  MOST_EVENTS,
  type Stream,
} from './channel.ts';

const open = () => {
  const clock = createFakeClock();
  const ends: string[] = [];
  let size = 0;
  const channel = createChannel({
    clock,
    onEnd: (why) => ends.push(why),
    onGrowth: (characters) => {
      size += characters;
    },
  });
  return { clock, ends, channel, sizeTold: () => size };
};

/** Takes all, or nothing once it is told to be slow. */
const reader = () => {
  const texts: string[] = [];
  const state = { isSlow: false, hasEnded: false };
  const stream: Stream = {
    write: (text) => {
      texts.push(text);
      return !state.isSlow;
    },
    end: () => {
      state.hasEnded = true;
    },
  };
  const ids = () => texts.flatMap((text) => /^id: (\d+)/.exec(text)?.slice(1).map(Number) ?? []);
  return { stream, texts, state, ids };
};

describe('a channel', () => {
  it('brings every event once and in order, over any cuts, acks and slow readers', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.constant({ kind: 'cut' as const }),
      fc.constant({ kind: 'cut unseen' as const }),
      fc.constant({ kind: 'connect' as const }),
      fc.record({ kind: fc.constant('ack' as const), behind: fc.nat(5) }),
      fc.record({ kind: fc.constant('pace' as const), isSlow: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { channel } = open();
        let pushed = 0;
        let seen = -1;
        let current: { stream: Stream; isCut: boolean } | undefined;
        let isSlow = false;
        const connect = () => {
          const mine = { isCut: false } as { stream: Stream; isCut: boolean };
          mine.stream = {
            write: (text) => {
              const id = Number(/^id: (\d+)\ndata: /.exec(text)?.[1]);
              if (!mine.isCut && id > seen) {
                assert.equal(id, seen + 1, 'none is missed');
                assert.equal(text, `id: ${id}\ndata: {"n":${id}}\n\n`);
                seen = id;
              }
              return !isSlow;
            },
            end: () => {
              mine.isCut = true;
            },
          };
          current = mine;
          assert.ok(channel.attach(mine.stream, seen < 0 ? undefined : seen));
        };
        for (const taken of steps) {
          if (taken.kind === 'push') {
            for (let n = 0; n < taken.count; n += 1) {
              channel.push(JSON.stringify({ n: pushed }));
              pushed += 1;
            }
          } else if (taken.kind === 'connect') connect();
          else if (taken.kind === 'ack') {
            if (seen >= taken.behind) channel.ack(seen - taken.behind);
          } else if (taken.kind === 'pace') {
            isSlow = taken.isSlow;
            if (!isSlow && current) channel.resume(current.stream);
          } else if (current) {
            current.isCut = true;
            if (taken.kind === 'cut') channel.detach(current.stream);
          }
        }
        isSlow = false;
        connect();
        assert.equal(seen, pushed - 1);
      }),
    );
  });

  it('keeps events for a client that has not connected yet, until it has confirmed them', () => {
    const { channel, sizeTold } = open();
    for (const data of ['{"a":1}', '{"b":2}']) channel.push(data);
    const first = reader();
    assert.ok(channel.attach(first.stream, undefined));
    assert.deepEqual(first.texts, ['id: 0\ndata: {"a":1}\n\n', 'id: 1\ndata: {"b":2}\n\n']);
    channel.ack(0);
    const second = reader();
    assert.ok(channel.attach(second.stream, undefined));
    assert.deepEqual(second.ids(), [1]);
    assert.ok(first.state.hasEnded, 'a channel has one stream');
    channel.ack(1);
    assert.equal(channel.size(), 0);
    assert.equal(sizeTold(), 0);
  });

  it('is not taken for one that had its name before', () => {
    for (const lastEventId of [0, 1, 40]) {
      const { channel } = open();
      channel.push('{}');
      channel.push('{}');
      assert.equal(channel.attach(reader().stream, lastEventId), false, 'no stream had brought anything');
    }
    const { channel } = open();
    channel.push('{}');
    assert.ok(channel.attach(reader().stream, undefined));
    assert.equal(channel.attach(reader().stream, 1), false, 'there was no event 1');
    assert.ok(channel.attach(reader().stream, 0));
  });

  it('says something every 15 s while it has a stream', async () => {
    const { channel, clock } = open();
    const { stream, texts } = reader();
    channel.attach(stream, undefined);
    await clock.advance(3 * KEEP_ALIVE_MS);
    assert.deepEqual(texts, [':\n', ':\n', ':\n']);
    channel.detach(stream);
    await clock.advance(3 * KEEP_ALIVE_MS);
    assert.equal(texts.length, 3);
  });

  it('sends a slow reader nothing more until it takes it, and leaves one that takes nothing', async () => {
    const { channel, clock } = open();
    const slow = reader();
    channel.attach(slow.stream, undefined);
    slow.state.isSlow = true;
    for (let n = 0; n < 5; n += 1) channel.push('{}');
    assert.deepEqual(slow.ids(), [0]);
    slow.state.isSlow = false;
    channel.resume(slow.stream);
    assert.deepEqual(slow.ids(), [0, 1, 2, 3, 4]);
    slow.state.isSlow = true;
    channel.push('{}');
    await clock.advance(3 * KEEP_ALIVE_MS);
    assert.equal(slow.state.hasEnded, false);
    await clock.advance(KEEP_ALIVE_MS);
    assert.ok(slow.state.hasEnded);
    const next = reader();
    assert.ok(channel.attach(next.stream, 4));
    assert.deepEqual(next.ids(), [5]);
  });

  it('expires without a stream: soon, or in hours when its client has confirmed events', async () => {
    const left = open();
    const { stream } = reader();
    left.channel.attach(stream, undefined);
    await left.clock.advance(10 * EXPIRY_AFTER_ACK_MS);
    assert.deepEqual(left.ends, [], 'not with a stream');
    left.channel.detach(stream);
    await left.clock.advance(EXPIRY_MS - 1);
    left.channel.touch();
    await left.clock.advance(EXPIRY_MS - 1);
    assert.deepEqual(left.ends, []);
    await left.clock.advance(1);
    assert.deepEqual(left.ends, ['expired']);

    const acked = open();
    acked.channel.push('{}');
    acked.channel.attach(stream, undefined);
    acked.channel.ack(0);
    acked.channel.detach(stream);
    await acked.clock.advance(EXPIRY_AFTER_ACK_MS - 1);
    assert.deepEqual(acked.ends, []);
    await acked.clock.advance(1);
    assert.deepEqual(acked.ends, ['expired']);
  });

  it('ends when too much waits for its client, by number or by size, also of what is held back', () => {
    const many = open();
    for (let n = 0; n < MOST_EVENTS; n += 1) many.channel.push('{}');
    assert.deepEqual(many.ends, []);
    many.channel.push('{}');
    assert.deepEqual(many.ends, ['full']);
    const [large, held] = [open(), open()];
    for (let n = 0; n < 5; n += 1) large.channel.push(JSON.stringify('x'.repeat(LARGEST / 4)));
    assert.deepEqual(large.ends, ['full']);
    held.channel.hold();
    for (let n = 0; n < 5; n += 1) held.channel.pushLater(LARGEST / 4, () => held.channel.push('{}'));
    held.channel.release();
    assert.deepEqual(held.ends, ['full']);
    for (const { channel, sizeTold } of [many, large, held]) assert.deepEqual([channel.size(), sizeTold()], [0, 0]);
  });
});
