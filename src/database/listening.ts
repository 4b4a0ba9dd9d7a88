// LISTEN on one connection that heals: when it is lost every listener is told, it comes back with
// backoff, and they are told again.
import pg from 'pg';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { createLoop } from '../core/loop.ts';
import { retry } from '../core/retry.ts';
import type { Listener } from './database.ts';
import { USE_DATABASE } from './in-use.ts';

export type Listening = AsyncDisposable & {
  readonly listen: (channel: string, listener: Listener) => Promise<AsyncDisposable>;
};

type Settings = { readonly config: pg.ClientConfig; readonly clock: Clock; readonly log: Log };

const CHANNEL_NAME = /^[a-z_]{1,60}$/;
/** A connection whose peer vanished without a word shows it only when it is used. */
const CHECK_EVERY_MS = 10_000;
const RECONNECT = { firstMs: 50, longestMs: 5_000 };

export const createListening = ({ config, clock, log }: Settings): Listening => {
  const channels = new Map<string, Set<Listener>>();
  const ending = new AbortController();
  let client: pg.Client | undefined;
  let connecting: Promise<void> | undefined;
  let answered: Promise<unknown> = Promise.resolve();

  /** One question after another, which the next major version of `pg` leaves to its callers. */
  const ask = (on: pg.Client, text: string): Promise<unknown> => {
    const answer = answered.then(() => on.query(text));
    answered = answer.catch(() => {}); // who asked is told
    return answer;
  };

  const tellAll = (state: 'lost' | 'restored') => {
    for (const listeners of channels.values()) for (const listener of listeners) listener.onInterruption?.(state);
  };

  const connect = async (): Promise<void> => {
    const fresh = new pg.Client(config);
    answered = Promise.resolve(); // what the lost one still owes holds up nobody
    const over = new AbortController();
    const lost = (error?: Error) => {
      if (client !== fresh) return;
      client = undefined;
      over.abort();
      fresh.removeAllListeners('notification');
      fresh.end().catch(() => {}); // it is broken already; its end has nothing more to tell
      if (ending.signal.aborted) return;
      log.warn({ err: error }, 'listening connection lost; reconnecting');
      tellAll('lost');
      connecting = reconnect();
    };
    fresh.on('error', lost);
    fresh.on('end', () => lost());
    fresh.on('notification', ({ channel, payload }) => {
      for (const listener of channels.get(channel) ?? []) listener.onNotification(payload ?? '');
    });
    await fresh.connect();
    await ask(fresh, USE_DATABASE);
    for (const channel of channels.keys()) await ask(fresh, `listen ${channel}`);
    client = fresh;
    const check = () => ask(fresh, 'select 1').then(() => {}, lost);
    const checking = createLoop({
      name: 'check of the listening connection',
      clock,
      log,
      everyMs: CHECK_EVERY_MS,
      turn: check,
    });
    void checking.run(AbortSignal.any([over.signal, ending.signal]));
  };

  const reconnect = async () => {
    const settings = {
      name: 'listening connection',
      clock,
      log,
      signal: ending.signal,
      pauses: RECONNECT,
      isQuiet: true,
    };
    await retry(connect, settings);
    if (ending.signal.aborted) return;
    log.info('listening connection restored');
    tellAll('restored');
  };

  const ensureConnected = async () => {
    if (client) return;
    connecting ??= connect();
    try {
      await connecting;
    } finally {
      if (!client) connecting = undefined;
    }
  };

  const listen = async (channel: string, listener: Listener): Promise<AsyncDisposable> => {
    if (!CHANNEL_NAME.test(channel)) throw new Error(`"${channel}" is not a name for a channel`);
    await ensureConnected();
    const listeners = channels.get(channel) ?? new Set();
    listeners.add(listener);
    channels.set(channel, listeners);
    // Also when the connection was lost meanwhile: the channel is on the list, so that reconnecting
    // listens to it.
    if (listeners.size === 1 && client) await ask(client, `listen ${channel}`);
    return {
      [Symbol.asyncDispose]: async () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        channels.delete(channel);
        if (client) await ask(client, `unlisten ${channel}`).catch(() => {}); // a lost connection listens to nothing anyway
      },
    };
  };

  return {
    listen,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await connecting?.catch(() => {}); // whoever asked for that connection was told
      const last = client;
      client = undefined;
      await last?.end();
    },
  };
};
