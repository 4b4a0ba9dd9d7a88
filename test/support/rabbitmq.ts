// The RabbitMQ that tests share: the one of this machine, or the one that the environment names.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { describeError } from '../../src/core/errors.ts';
import type { Cleanup } from './database.ts';

/** May hold a password: not for messages. */
export const RABBITMQ_URL = process.env.HOOKWRIGHT_TEST_AMQP_URL ?? 'amqp://guest:guest@127.0.0.1:5672';

const CLOSE_WITHIN_MS = 2_000;

const whyNot = async (): Promise<string | undefined> => {
  const { hostname, port } = new URL(RABBITMQ_URL);
  const socket = connectTcp({ host: hostname, port: Number(port || 5672) });
  try {
    await once(socket, 'connect');
    return undefined;
  } catch (error) {
    return describeError(error);
  } finally {
    socket.destroy();
  }
};

const reason = await whyNot();

/** What to say of a test that needs it, as its option `skip`: false where it is there. */
export const WITHOUT_RABBITMQ: string | false =
  reason !== undefined && `no RabbitMQ answers (${reason}); start one, or name it with HOOKWRIGHT_TEST_AMQP_URL`;

/** A connection of the test's own, for what the product has no door for. Closed after the test. */
export const openRabbitmq = async (t: Cleanup, url = RABBITMQ_URL): Promise<ChannelModel> => {
  const connection = await connect(url);
  connection.on('error', () => {}); // the test that breaks it knows
  // It may be broken by then; and where the broker goes at this very moment, nobody answers.
  t.after(() => Promise.race([connection.close().catch(() => {}), sleep(CLOSE_WITHIN_MS, undefined, { ref: false })]));
  return connection;
};

export const newRabbitmqName = (purpose: string): string => `test/${purpose}/${randomBytes(6).toString('hex')}`;

/** Runs `work` on a channel of its own, which a refusal closes without harm to others. */
export const onChannel = async <T>(connection: ChannelModel, work: (channel: Channel) => Promise<T>): Promise<T> => {
  const channel = await connection.createChannel();
  let isClosed = false;
  channel.on('error', () => {}); // what it refuses rejects the call
  channel.on('close', () => {
    isClosed = true;
  });
  try {
    return await work(channel);
  } finally {
    if (!isClosed) await channel.close();
  }
};
