// Sessions of ships: opened with a login code, found by their cookie, by every process.
import type { Ships } from '../../community/ships/ships.ts';
import { SESSIONS_CHANNEL } from '../../community/ships/ships.ts';
import { toIso } from '../../core/clock.ts';
import type { Loop } from '../../core/loop.ts';
import { createLoop } from '../../core/loop.ts';
import type { SecretBox } from '../../core/secret-box.ts';
import type { Base } from '../../database/base.ts';
import { keepListening, wakes } from '../../database/keep-listening.ts';
import { statement } from '../../database/statement.ts';
import { type Cookie, newCookieValue, readCookies } from './cookie.ts';

export type Session = {
  /** Says nothing about the cookie. */
  readonly id: string;
  readonly ship: string;
  /** Set when the browser should keep its cookie for another seven days. */
  readonly renewed?: Cookie;
};

export type Sessions = {
  /**
   * Begins a session in place of those of these cookies. undefined: the code opens nothing.
   * `replaced`: their ids.
   */
  readonly open: (
    code: string,
    cookieHeader: string | undefined,
  ) => Promise<{ readonly cookie: Cookie; readonly replaced: readonly string[] } | undefined>;
  readonly find: (cookieHeader: string | undefined) => Promise<Session | undefined>;
  /** Answers the ids of those that have ended. */
  readonly end: (session: Session, which: 'this' | 'all') => Promise<readonly string[]>;
  /** Those of these that have ended; the others count as used. */
  readonly endedAmong: (ids: readonly string[]) => Promise<readonly string[]>;
  /**
   * Until the signal aborts, looks after those that `held` names: at once when a session somewhere
   * has ended, and every 15 s. Never rejects.
   */
  readonly watch: (held: () => readonly string[], onEnded: (id: string) => void, signal: AbortSignal) => Promise<void>;
};

export type SessionsSettings = Base & { readonly ships: Ships; readonly secretBox: SecretBox };

export const IDLE_SECONDS = 7 * 24 * 3600;
/** How exactly it is known when a session was used last. */
const USE_MS = 3_600_000;
/** Sessions of one ship. Programs that log in for each call leave theirs behind; the oldest end. */
const MOST_OF_SHIP = 1_000;
const LOOK_EVERY_MS = 15_000;
const CLEAN_EVERY_MS = 3_600_000;
const DIGEST_CONTEXT = 'ship sessions';

const insertSession = statement<{ digest: string }>(
  'sessions.insert',
  `with opened as (
     insert into ship_sessions (digest, ship, code_digest, used)
     select $1, ship, code_digest, $3 from ships where ship = $2
   ), crowded as (
     delete from ship_sessions where ship = $2 and used < (
       select used from ship_sessions where ship = $2 order by used desc offset ${MOST_OF_SHIP - 2} limit 1)
   )
   delete from ship_sessions where digest = any($4) returning digest`,
);
const LIVES = 's.used > $2 and s.code_digest = o.code_digest';
const findSessions = statement<{ digest: string; ship: string; is_stale: boolean }>(
  'sessions.find',
  `select s.digest, s.ship, s.used < $3 as is_stale from ship_sessions s join ships o using (ship)
   where s.digest = any($1) and ${LIVES}`,
);
const touchSessions = statement('sessions.touch', 'update ship_sessions set used = $2 where digest = any($1)');
const deleteSession = statement<{ digest: string }>(
  'sessions.delete',
  'delete from ship_sessions where digest = $1 returning digest',
);
const deleteAll = statement<{ digest: string }>(
  'sessions.delete-all',
  'delete from ship_sessions where ship = $1 returning digest',
);
const tellEnd = statement('sessions.tell-end', `select pg_notify('${SESSIONS_CHANNEL}', $1)`);
const forgetIdle = statement('sessions.forget-idle', 'delete from ship_sessions where used <= $1');

export const createSessions = (settings: SessionsSettings): Sessions => {
  const { database, clock, log, ships, secretBox } = settings;
  const digestOf = ({ value }: Cookie): string => secretBox.digest(value, DIGEST_CONTEXT).toString('base64url');
  const ago = (ms: number): string => toIso(clock.now() - ms);

  /** Those that live, and are used now. */
  const use = async (digests: readonly string[]) => {
    if (digests.length === 0) return [];
    const found = await database.query(findSessions, [digests, ago(IDLE_SECONDS * 1000), ago(USE_MS)]);
    const stale = found.filter(({ is_stale }) => is_stale).map(({ digest }) => digest);
    if (stale.length > 0) await database.query(touchSessions, [stale, ago(0)]);
    return found;
  };
  const end = async (digest: string, ship: string): Promise<readonly string[]> => {
    const ended = await database.query(deleteSession, [digest]);
    await database.query(tellEnd, [ship]);
    return ended.map((row) => row.digest);
  };
  const endedAmong: Sessions['endedAmong'] = async (ids) => {
    const alive = new Set((await use(ids)).map(({ digest }) => digest));
    return ids.filter((id) => !alive.has(id));
  };

  return {
    endedAmong,
    open: async (code, cookieHeader) => {
      const ship = await ships.shipOfCode(undefined, code);
      if (ship === undefined) return undefined;
      const cookie = { ship, value: newCookieValue() };
      const digest = digestOf(cookie);
      const old = readCookies(cookieHeader).map(digestOf);
      const replaced = await database.query(insertSession, [digest, ship, ago(0), old]);
      // The code may have been replaced in between, and the session would have its successor's
      // trust.
      if ((await ships.shipOfCode(ship, code)) === undefined) return void (await end(digest, ship));
      return { cookie, replaced: replaced.map((row) => row.digest) };
    },
    find: async (cookieHeader) => {
      const cookies = new Map(readCookies(cookieHeader).map((cookie) => [digestOf(cookie), cookie]));
      const found = await use([...cookies.keys()]);
      for (const { digest, ship, is_stale } of found) {
        const cookie = cookies.get(digest);
        if (cookie?.ship === ship) return { id: digest, ship, ...(is_stale && { renewed: cookie }) };
      }
      return undefined;
    },
    end: async ({ id, ship }, which) => {
      if (which === 'this') return end(id, ship);
      const ended = await database.query(deleteAll, [ship]);
      await database.query(tellEnd, [ship]);
      return ended.map(({ digest }) => digest);
    },
    watch: async (held, onEnded, signal) => {
      const looking: Loop = createLoop({
        ...{ name: 'look after sessions', clock, log, everyMs: LOOK_EVERY_MS },
        turn: async () => {
          for (const id of await endedAmong(held())) onEnded(id);
        },
      });
      const cleaning = createLoop({
        ...{ name: 'cleanup of sessions', clock, log, everyMs: CLEAN_EVERY_MS },
        turn: () => database.query(forgetIdle, [ago(IDLE_SECONDS * 1000)]),
      });
      const listening = await keepListening({ database, clock, log }, SESSIONS_CHANNEL, wakes(looking), signal);
      await Promise.all([looking.run(signal), cleaning.run(signal)]);
      await listening?.[Symbol.asyncDispose]();
    },
  };
};
