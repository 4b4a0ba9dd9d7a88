// The airlock: Urbit's HTTP protocol over the community, for the clients that speak it.
import type { FastifyInstance } from 'fastify';
import { createChangeFeed } from '../community/changes/change-feed.ts';
import type { Ships } from '../community/ships/ships.ts';
import type { SecretBox } from '../core/secret-box.ts';
import type { Base } from '../database/base.ts';
import type { Agent, Thread } from './agents/agent.ts';
import { createChannels } from './channels/channels.ts';
import { createBodies } from './serving/bodies.ts';
import { createDoor } from './serving/door.ts';
import { serveChannels } from './serving/serve-channels.ts';
import { serveHealth } from './serving/serve-health.ts';
import { serveReads } from './serving/serve-reads.ts';
import { serveSessions } from './serving/serve-sessions.ts';
import { createLoginAttempts } from './sessions/login-attempts.ts';
import { createSessions } from './sessions/sessions.ts';

export type AirlockSettings = Base & {
  readonly ships: Ships;
  readonly secretBox: SecretBox;
  readonly agents: readonly Agent[];
  readonly threads: readonly Thread[];
  /** Where clients reach the server; known once it listens. */
  readonly rootUrl: () => string;
  /** Of web pages that may call with the cookies of those who look at them. */
  readonly origins: readonly string[];
  /** The server has been told to end. */
  readonly ending: AbortSignal;
};

export type Airlock = {
  readonly serve: (server: FastifyInstance) => void;
  /** Tells clients what changes, until the signal aborts. Never rejects. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Ends the streams of clients, each when what was asked through its channel is done. */
  readonly close: () => Promise<void>;
};

export const createAirlock = (settings: AirlockSettings): Airlock => {
  const { ships, agents, threads, rootUrl, origins, ending, clock, log, metrics } = settings;
  const sessions = createSessions(settings);
  const channels = createChannels(settings);
  const feed = createChangeFeed({ ...settings, onChanges: channels.tell, onGap: channels.endAll });
  const door = createDoor({ sessions, log, rootUrl, origins });
  const attempts = createLoginAttempts(clock);
  const bodies = createBodies(clock);
  const logins = metrics.counter('hookwright_airlock_logins_total', 'Logins over the airlock', ['result']);

  return {
    serve: (server) =>
      void server.register(async (scope) => {
        door.guard(scope);
        serveHealth(scope);
        serveSessions(scope, {
          ...{ door, sessions, attempts, bodies, rootUrl, host: ships.host },
          endChannels: (ids) => ids.forEach(channels.endSession),
          countLogin: (result) => logins.inc({ result }),
        });
        serveChannels(scope, { door, channels, bodies, isListening: feed.isOpen, ending, log });
        serveReads(scope, { door, agents, threads, bodies, clock, metrics });
      }),
    run: async (signal) => {
      await Promise.all([feed.run(signal), sessions.watch(channels.streaming, channels.endSession, signal)]);
    },
    close: channels.close,
  };
};
