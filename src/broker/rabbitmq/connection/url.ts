// The URL of a RabbitMQ, amqp://user:password@host:port/vhost, as the library wants to have it, and
// what of it may be shown.
import type { Options, SocketOptions } from 'amqplib';
import { VERSION } from '../../../version.ts';

export type AmqpTarget = {
  readonly user: string;
  /** host:port/vhost; the virtual host `/` is not written. */
  readonly address: string;
  readonly options: Options.Connect;
  readonly socket: SocketOptions;
};

/** A peer that says nothing for two or three of these is gone. */
const HEARTBEAT_S = 10;
const ANSWER_WITHIN_MS = 10_000;

/**
 * `?heartbeat=` (seconds) and the like are no part of it: one way for all. Without a user it is
 * guest, as with other clients.
 */
export const readAmqpUrl = (url: URL, name: string): AmqpTarget => {
  const isSecure = url.protocol === 'amqps:';
  const port = url.port === '' ? (isSecure ? 5671 : 5672) : Number(url.port);
  const user = url.username === '' ? 'guest' : decodeURIComponent(url.username);
  const password = url.username === '' && url.password === '' ? 'guest' : decodeURIComponent(url.password);
  const vhost = url.pathname.length > 1 ? decodeURIComponent(url.pathname.slice(1)) : '/';
  return {
    user,
    address: `${url.hostname}:${port}${vhost === '/' ? '' : `/${vhost}`}`,
    options: {
      protocol: isSecure ? 'amqps' : 'amqp',
      hostname: url.hostname.replace(/^\[|\]$/g, ''), // of an IPv6 address
      port,
      username: user,
      password,
      vhost: encodeURIComponent(vhost), // which the library decodes
      heartbeat: HEARTBEAT_S,
    },
    socket: {
      noDelay: true,
      timeout: ANSWER_WITHIN_MS, // until the connection is open
      clientProperties: { product: 'Hookwright', version: VERSION, connection_name: `hookwright ${name}` },
    },
  };
};
