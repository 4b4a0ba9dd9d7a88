// A connection to RabbitMQ that comes back by itself. What needs it waits for a session; when a
// session ends all its channels are gone.
//
// RabbitMQ does not read from a connection on which somebody publishes while it is short of memory
// or disk, so that acknowledgements on that connection do not arrive either: who consumes has a
// connection of its own.
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import { backoff } from '../../../core/backoff.ts';
import { type Clock, withDeadline } from '../../../core/clock.ts';
import { describeError, OperatorError } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import type { Metrics } from '../../../core/metrics.ts';
import { ApiError } from '../../../http/api-error.ts';
import { type IncomingStream, partsOf } from './amqplib-parts.ts';
import { whyNotConnected } from './connection-errors.ts';
import { createConnectionMetrics } from './connection-metrics.ts';
import { receiveWithoutUnreadableHeaders } from './lenient-headers.ts';
import { type AmqpTarget, readAmqpUrl } from './url.ts';

export type AmqpSession = {
  /**
   * A channel whose end is no error of the process. Its calls reject when it is gone, and it emits
   * `close`.
   */
  readonly channel: () => Promise<Channel>;
  readonly confirmChannel: () => Promise<ConfirmChannel>;
  /** What arrives, before amqplib reads it. */
  readonly incoming: IncomingStream;
  /** The connection is gone. */
  readonly ended: AbortSignal;
  /**
   * The broker had been unreachable (refused, or closed us) before this session: it may have
   * restarted and forgotten what was not on its disk. A connection that merely broke and was there
   * again at the first try is none of that.
   */
  readonly afterOutage: boolean;
};

export type AmqpConnection = {
  /** Of the URL: queues are called `queue/<user>/…`. */
  readonly user: string;
  /** host:port/vhost, without a password, for messages. */
  readonly address: string;
  /**
   * Keeps a connection until the signal aborts, and then closes it in order. Says once that it is
   * lost and once that it is back. Whoever has to finish something on a channel runs it with a
   * signal that aborts later than his own.
   */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** The standing session, or the next one. Rejects when the signal aborts. */
  readonly session: (signal: AbortSignal) => Promise<AmqpSession>;
  /** Called at the beginning of every session, and at once if one stands. */
  readonly onSession: (begin: (session: AmqpSession) => void) => void;
  /** Throws an ApiError ServiceUnavailable that says why nothing can be published now. */
  readonly checkHealth: () => Promise<void>;
};

export type AmqpConnectionSettings = {
  readonly url: URL;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /**
   * What it is for: RabbitMQ lists it under that name, and the metrics have it as a label. One of a
   * few.
   */
  readonly name: string;
};

const TRY_AGAIN = { firstMs: 100, longestMs: 5_000 };
/**
 * A session that ends sooner does not count as success: a broker that throws everybody out is not
 * asked ten times a second.
 */
const LONG_ENOUGH_MS = 10_000;
const CLOSE_WITHIN_MS = 3_000;

/**
 * @example
 * const connection = createAmqpConnection({ url: new URL('amqp://guest:guest@localhost'), clock,
 * log, metrics, name: 'publish' });
 * const running = connection.run(signal);
 * const session = await connection.session(signal);
 * const channel = await session.channel();
 */
export const createAmqpConnection = ({ url, clock, log, metrics, name }: AmqpConnectionSettings): AmqpConnection => {
  const target = readAmqpUrl(url, name);
  const { user, address } = target;
  const counted = createConnectionMetrics(metrics, name);
  const beginners: ((session: AmqpSession) => void)[] = [];
  const waiting = new Set<(session: AmqpSession) => void>();
  let session: AmqpSession | undefined;
  /** Why there is no session. */
  let trouble = new OperatorError('HW_AMQP_UNREACHABLE', { address, reason: 'it was not tried yet' });
  /** Why RabbitMQ takes no messages though it is connected. */
  let blocked: string | undefined;
  const said = { isLost: false, code: '' };

  const begin = (fresh: AmqpSession) => {
    session = fresh;
    counted.isConnected(true);
    for (const resolve of waiting) resolve(fresh);
    waiting.clear();
    for (const beginner of beginners) beginner(fresh);
  };

  /** Once for each kind of trouble; the rest is for those who look closely. */
  const sayLost = (error: OperatorError) => {
    trouble = error;
    const isNews = said.code !== error.code;
    said.isLost = true;
    said.code = error.code;
    log[isNews ? 'warn' : 'debug']({ code: error.code, connection: name }, error.message);
  };

  const sayBack = () => {
    log.info({ connection: name }, `connected to RabbitMQ at ${address}${said.isLost ? ' again' : ''}`);
    said.isLost = false;
    said.code = '';
  };

  const heedBlocking = (model: ChannelModel) => {
    blocked = undefined;
    model.on('blocked', (reason) => {
      blocked = reason;
      log.warn({ connection: name, reason }, `RabbitMQ at ${address} takes no messages now; they wait`);
    });
    model.on('unblocked', () => {
      blocked = undefined;
      log.info({ connection: name }, `RabbitMQ at ${address} takes messages again`);
    });
  };

  const close = async (model: ChannelModel) => {
    try {
      const late = () => new Error('RabbitMQ does not answer');
      await withDeadline(clock, CLOSE_WITHIN_MS, () => model.close(), late);
    } catch (error) {
      log.debug({ err: error, connection: name }, 'RabbitMQ connection not closed in order');
    }
  };

  /** One session, until the broker or the signal ends it. Answers why, if it was the broker. */
  const keepSession = async (model: ChannelModel, afterOutage: boolean, signal: AbortSignal): Promise<unknown> => {
    const ending = new AbortController();
    const end = (error: unknown) => ending.abort(error ?? new Error('the connection was closed'));
    model.on('error', end);
    model.on('close', end);
    heedBlocking(model);
    begin(createSession(model, ending.signal, afterOutage));
    await eitherAborts(ending.signal, signal);
    session = undefined;
    blocked = undefined;
    counted.isConnected(false);
    const reason: unknown = ending.signal.aborted ? ending.signal.reason : undefined;
    if (!ending.signal.aborted) await close(model);
    // A peer that vanished without a word would keep the socket, and the process, for minutes.
    partsOf(model).stream.destroy();
    return reason;
  };

  const run = async (signal: AbortSignal) => {
    let failures = 0;
    let isOutage = false;
    let hadSession = false;
    while (!signal.aborted) {
      try {
        const model = await open(target, signal);
        if (hadSession) counted.reconnected();
        hadSession = true;
        sayBack();
        const began = clock.monotonic();
        const reason = await keepSession(model, isOutage, signal);
        if (signal.aborted) return;
        isOutage = wasClosedByBroker(reason);
        if (clock.monotonic() - began >= LONG_ENOUGH_MS) failures = 0;
        sayLost(new OperatorError('HW_AMQP_UNREACHABLE', { address, reason: describeError(reason) }));
      } catch (error) {
        if (signal.aborted) return;
        isOutage = true;
        sayLost(whyNotConnected(error, { address, user }));
      }
      await clock.sleep(backoff(failures, TRY_AGAIN), signal);
      failures += 1;
    }
  };

  return {
    user,
    address,
    run,
    session: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (session) return resolve(session);
        const giveUp = () => {
          waiting.delete(take);
          reject(signal.reason);
        };
        const take = (fresh: AmqpSession) => {
          signal.removeEventListener('abort', giveUp);
          resolve(fresh);
        };
        waiting.add(take);
        signal.addEventListener('abort', giveUp, { once: true });
      }),
    onSession: (beginner) => {
      beginners.push(beginner);
      if (session) beginner(session);
    },
    checkHealth: async () => {
      if (!session) throw new ApiError('ServiceUnavailable', trouble.message);
      if (blocked === undefined) return;
      throw new ApiError('ServiceUnavailable', `RabbitMQ at ${address} takes no messages now: ${blocked}`);
    },
  };
};

const createSession = (model: ChannelModel, ended: AbortSignal, afterOutage: boolean): AmqpSession => {
  /** An `error` of a channel goes to whoever called; it is followed by `close`. */
  const quiet = <C extends Channel>(channel: C): C => channel.on('error', () => {});
  return {
    channel: async () => quiet(await model.createChannel()),
    confirmChannel: async () => quiet(await model.createConfirmChannel()),
    incoming: partsOf(model).stream,
    ended,
    afterOutage,
  };
};

/**
 * Rejects as soon as the signal aborts; a connection that comes about after that is closed again.
 */
const open = ({ options, socket }: AmqpTarget, signal: AbortSignal): Promise<ChannelModel> =>
  new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    const opened = (model: ChannelModel) => {
      signal.removeEventListener('abort', giveUp);
      model.on('error', () => {}); // until the session listens
      receiveWithoutUnreadableHeaders(model);
      if (signal.aborted) partsOf(model).stream.destroy();
      else resolve(model);
    };
    const failed = (error: unknown) => {
      signal.removeEventListener('abort', giveUp);
      reject(error);
    };
    connect(options, socket).then(opened, failed);
  });

const eitherAborts = (...signals: readonly AbortSignal[]): Promise<void> =>
  new Promise((resolve) => {
    const either = AbortSignal.any([...signals]);
    if (either.aborted) return resolve();
    either.addEventListener('abort', () => resolve(), { once: true });
  });

/** CONNECTION_FORCED: an operator did it, or the broker shuts down. */
const wasClosedByBroker = (reason: unknown): boolean =>
  typeof reason === 'object' && reason !== null && 'code' in reason && reason.code === 320;
