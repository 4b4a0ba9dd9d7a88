// Whether a RabbitMQ is there and lets this user in: connects, and closes again.
import { connect } from 'amqplib';
import { whyNotConnected } from './connection-errors.ts';
import { readAmqpUrl } from './url.ts';

/** Answers where it is, without a password. Throws HW_AMQP_UNREACHABLE or HW_AMQP_REFUSED. */
export const tryConnection = async (url: URL): Promise<string> => {
  const { user, address, options, socket } = readAmqpUrl(url, 'check');
  try {
    const connection = await connect(options, socket);
    connection.on('error', () => {}); // what breaks now breaks nothing
    await connection.close();
  } catch (error) {
    throw whyNotConnected(error, { address, user });
  }
  return address;
};
