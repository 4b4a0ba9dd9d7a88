// What the queue of a hook is called on RabbitMQ: `queue/<user>/<hookGroupId>/<hookId>`.
import { createHash } from 'node:crypto';

/** AMQP gives a name one byte for its length. */
const LONGEST_BYTES = 255;
const HASH_LENGTH = 32;

/** Names of hooks may be longer than AMQP allows; those end in a hash of the whole. */
export const queueNameOf = (user: string, name: string): string => {
  const whole = `queue/${user}/${name}`;
  const bytes = Buffer.from(whole);
  if (bytes.length <= LONGEST_BYTES) return whole;
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, HASH_LENGTH);
  // A user's name may end in the middle of a character there; hooks' names are ASCII.
  const beginning = bytes
    .subarray(0, LONGEST_BYTES - HASH_LENGTH - 1)
    .toString('utf8')
    .replace(/\u{fffd}+$/u, '');
  return `${beginning}#${hash}`;
};
