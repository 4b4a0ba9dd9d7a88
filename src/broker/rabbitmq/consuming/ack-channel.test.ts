import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import type { Channel, ConsumeMessage } from 'amqplib';
import { createFakeClock } from '../../../../test/support/fake-clock.ts';
import type { AmqpSession } from '../connection/connection.ts';
import { type Entry, openAckChannel } from './ack-channel.ts';

/** What a channel tells RabbitMQ of deliveries by their tags. */
const openChannel = async () => {
  const clock = createFakeClock();
  const said: string[] = [];
  const tagOf = ({ fields }: ConsumeMessage) => fields.deliveryTag;
  const channel = Object.assign(new EventEmitter(), {
    prefetch: async () => {},
    ack: (message: ConsumeMessage, upTo = false) => said.push(`${upTo ? 'over up to' : 'over'} ${tagOf(message)}`),
    nack: (message: ConsumeMessage) => said.push(`back ${tagOf(message)}`),
  }) as unknown as Channel;
  const session = { channel: async () => channel, ended: new AbortController().signal } as unknown as AmqpSession;
  const settings = { session, clock, prefetch: 250, onAcknowledged: async () => {}, onClose: () => {} };
  const acks = await openAckChannel(settings);
  let tag = 0;
  const take = (likeness?: string): Entry => {
    tag += 1;
    const message = { fields: { deliveryTag: tag } } as Entry['message'];
    const entry = { message, key: { reading: 'r', number: tag }, likeness, isOver: false, isAcknowledged: false };
    acks.add(entry);
    return entry;
  };
  return { ...acks, take, said, clock };
};

describe('an acknowledgement', () => {
  it('is one for all that came to their end in the same moment', async () => {
    const { take, finish, said, clock } = await openChannel();
    const [first, second, third] = [take('a'), take(), take('b')];
    finish([first, second]);
    finish([third]);
    assert.deepEqual(said, []);
    await clock.advance(100);
    assert.deepEqual(said, ['over up to 3']);
  });

  it('waits until all equal messages without an id are over, and holds up no others', async () => {
    const { take, finish, said, clock } = await openChannel();
    const first = take('a');
    finish([first]);
    const [equal, other] = [take('a'), take('b')];
    finish([other]);
    await clock.advance(100);
    assert.deepEqual(said, ['over 3']);
    finish([equal]);
    await clock.advance(100);
    assert.deepEqual(said, ['over 3', 'over up to 2']);
  });

  it('is not given for one whose equal goes back: both go', async () => {
    const { take, finish, giveBack, said } = await openChannel();
    const [first, other, equal] = [take('a'), take('b'), take('a')];
    finish([first, other]);
    giveBack([equal]);
    assert.deepEqual(said, ['over 2', 'back 1', 'back 3']);
  });
});
