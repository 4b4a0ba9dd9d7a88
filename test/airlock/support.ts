// A server with ships, and the real clients of the airlock, each as one of these ships.
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Urbit } from '@urbit/http-api';
import type { Cleanup } from '../support/database.ts';
import { send } from '../support/request.ts';
import { newFolder, type RootCredentials, type ServeOptions, type Server, serveQuickly } from '../support/server.ts';

export type AirlockServer = Server & {
  /** The login code of a ship that was added. */
  readonly codeOf: (ship: string) => string;
};

const TLON = fileURLToPath(new URL('../../node_modules/.bin/tlon', import.meta.url));
const OF_PLATFORM = new URL(
  `../../node_modules/@tloncorp/tlon-skill-${process.platform}-${process.arch}/`,
  import.meta.url,
);

/** For tests of the `tlon` command, which is a program of one platform. */
export const NEEDS_TLON = {
  skip: existsSync(OF_PLATFORM) ? false : `there is no tlon command for ${process.platform} ${process.arch} here`,
};
const API_PROCESS = fileURLToPath(new URL('api-process.ts', import.meta.url));

type Ships = { readonly url: string; readonly credentials: RootCredentials };

/** Adds a ship, or finds the one that is there; answers its code. */
export const addShip = async ({ url, credentials }: Ships, ship: string): Promise<string> => {
  const added = await send(url, `/api/community/v1/ships/${ship}`, { method: 'PUT', credentials });
  if (added.status === 200) return added.json.code;
  const { json } = await send(url, '/api/community/v1/ships', { credentials });
  const known = (json.ships as { ship: string; code: string }[]).find((one) => one.ship === ship);
  if (!known) throw new Error(`${ship} could not be added: ${added.text}`);
  return known.code;
};

/**
 * A server as a process of its own, that hosts as `~zod`, with these ships.
 *
 * @example const server = await serveAirlock({ after }, ['~zod', '~nec']);
 */
export const serveAirlock = async (
  t: Cleanup,
  ships: readonly string[] = ['~zod', '~nec', '~bud'],
  options: ServeOptions = {},
): Promise<AirlockServer> => {
  const server = await serveQuickly(t, options);
  const codes = new Map<string, string>();
  for (const ship of ships) codes.set(ship, await addShip(server, ship));
  return {
    ...server,
    codeOf: (ship) => {
      const code = codes.get(ship);
      if (code === undefined) throw new Error(`${ship} is not one of ${ships}`);
      return code;
    },
  };
};

/** Where to log in, and with which codes. */
export type Airlock = Pick<AirlockServer, 'url' | 'codeOf'>;

/** The cookie of a new session: `urbauth-~zod=0v…`. */
export const logIn = async ({ url, codeOf }: Airlock, ship: string): Promise<string> => {
  const reply = await send(url, '/~/login', { method: 'POST', body: `password=${codeOf(ship)}` });
  const [cookie] = reply.headers['set-cookie'] ?? [];
  if (reply.status !== 204 || cookie === undefined) throw new Error(`login answered ${reply.status} ${reply.text}`);
  return cookie.split(';')[0] ?? '';
};

/** `@urbit/http-api` never clears these timers: the process of a test need not wait for them. */
const CLIENT_TIMEOUT_MS = 25_000;
const { setTimeout: schedule } = globalThis;
globalThis.setTimeout = ((callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
  const timer = schedule(callback, ms, ...args);
  return ms === CLIENT_TIMEOUT_MS ? timer.unref() : timer;
}) as typeof setTimeout;

type Inside = { abort: AbortController; sendJSONtoChannel: (...actions: unknown[]) => Promise<void> };

/** `@urbit/http-api`, logged in. */
export const connectUrbit = async (t: Cleanup, airlock: Airlock, ship: string): Promise<Urbit> => {
  const urbit = new Urbit(airlock.url);
  urbit.cookie = await logIn(airlock, ship);
  urbit.ship = ship.slice(1);
  // It has no way to be closed: after `delete` it would try for ever to open its stream again. And
  // what it sends unasked, acks, must not be broken off: nobody hears of the error.
  const inside = urbit as unknown as Inside;
  const sendActions = inside.sendJSONtoChannel.bind(urbit);
  const underWay = new Set<Promise<void>>();
  inside.sendJSONtoChannel = (...actions) => {
    const sent = sendActions(...actions);
    underWay.add(sent);
    return sent.finally(() => underWay.delete(sent));
  };
  t.after(async () => {
    await Promise.allSettled(underWay);
    inside.abort.abort();
  });
  return urbit;
};

/** Resolves when the poke is acked; rejects with the reason of a nack. */
export const pokeWith = (urbit: Urbit, app: string, mark: string, json: unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    const onError = (reason: unknown) => reject(new Error(String(reason)));
    urbit.poke({ app, mark, json, onSuccess: () => resolve(), onError }).catch(reject);
  });

export type TlonApi = {
  /** Calls a function that `@tloncorp/api` exports: `call('getGroups')`. */
  // biome-ignore lint/suspicious/noExplicitAny: the answer is what the test says it is.
  readonly call: (name: string, ...args: unknown[]) => Promise<any>;
  /**
   * Subscribes with one of its functions that take a handler: `listen('subscribeGroups')`; answers
   * all that has come so far, as it grows.
   */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly listen: (name: string, ...args: unknown[]) => Promise<readonly any[]>;
};

type FromChild =
  | { readonly ready: true }
  | { readonly id: number; readonly result?: unknown; readonly error?: string }
  | { readonly id: number; readonly event: unknown };

/**
 * `@tloncorp/api`, logged in, in a process of its own: it is one client a process.
 *
 * @example const nec = await connectTlonApi(t, server, '~nec'); await nec.call('getGroups');
 */
export const connectTlonApi = async (t: Cleanup, { url, codeOf }: Airlock, ship: string): Promise<TlonApi> => {
  const child: ChildProcess = fork(API_PROCESS, [url, ship, codeOf(ship)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const exit = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const calls = new Map<number, PromiseWithResolvers<unknown>>();
  const events = new Map<number, unknown[]>();
  const ready = Promise.withResolvers<void>();
  child.on('message', (message: FromChild) => {
    if ('ready' in message) return ready.resolve();
    if ('event' in message) return void events.get(message.id)?.push(message.event);
    const call = calls.get(message.id);
    calls.delete(message.id);
    if (message.error === undefined) call?.resolve(message.result);
    else call?.reject(new Error(message.error));
  });
  child.on('exit', () => {
    const ended = new Error(`the client ended. It said:\n${said}`);
    ready.reject(ended);
    for (const call of calls.values()) call.reject(ended);
  });
  await ready.promise;
  let calling = 0;
  const ask = (name: string, args: readonly unknown[], listens: boolean): { id: number; answer: Promise<unknown> } => {
    calling += 1;
    const call = Promise.withResolvers<unknown>();
    calls.set(calling, call);
    child.send({ id: calling, name, args, listens });
    return { id: calling, answer: call.promise };
  };
  return {
    call: (name, ...args) => ask(name, args, false).answer,
    listen: async (name, ...args) => {
      const { id, answer } = ask(name, args, true);
      const came: unknown[] = [];
      events.set(id, came);
      await answer;
      return came;
    },
  };
};

export type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string };

/**
 * The real `tlon` command as a ship, with nothing of this machine's settings. `login`: with a code
 * (the default), or with a cookie.
 *
 * @example await runTlon(t, server, '~zod', 'hooks', 'list');
 */
export const runTlon = async (t: Cleanup, airlock: Airlock, ship: string, ...args: readonly string[]): Promise<Ran> => {
  const login = ['--url', airlock.url, '--ship', ship, '--code', airlock.codeOf(ship)];
  return runTlonWith(await newFolder(t), [...login, ...args]);
};

/** The same with all flags given, in a home of its own. */
export const runTlonWith = (home: string, args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const env = { HOME: home, PATH: process.env.PATH, TLON_CACHE_DIR: join(home, 'cache') };
    execFile(TLON, args, { env, cwd: home, timeout: 60_000 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ status, stdout, stderr });
    });
  });
