// Channels over HTTP: what clients ask for, and the stream of what they are told.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../core/log.ts';
import { openStream } from '../../http/answers/event-stream.ts';
import { readActions } from '../channels/action.ts';
import type { Channels } from '../channels/channels.ts';
import { readCookies } from '../sessions/cookie.ts';
import type { Bodies } from './bodies.ts';
import { type Door, notLoggedIn, Refusal } from './door.ts';

export type ChannelServing = {
  readonly door: Door;
  readonly channels: Channels;
  readonly bodies: Bodies;
  /** Resolves when no change is missed any more that a channel might want to know of. */
  readonly isListening: Promise<void>;
  readonly ending: AbortSignal;
  readonly log: Log;
};

const LONGEST_UID = 200;
const JAM = 'application/x-urb-jam';

export const serveChannels = (scope: FastifyInstance, serving: ChannelServing): void => {
  const { door, channels, bodies, isListening, ending, log } = serving;
  const uidOf = (request: FastifyRequest): string => (request.params as { uid: string }).uid;

  const put = async (request: FastifyRequest, reply: FastifyReply) => {
    const session = await door.requireCaller(request, reply);
    const uid = uidOf(request);
    if (uid.length > LONGEST_UID)
      throw new Refusal(400, `The name of a channel has at most ${LONGEST_UID} characters.`);
    if (request.raw.headers['content-type']?.startsWith(JAM)) {
      throw new Refusal(400, 'This server speaks JSON in channels, not nouns.');
    }
    const { json, bytes } = await bodies.readJson(request);
    const read = readActions(json);
    if (!read.ok) throw new Refusal(400, read.problem);
    await isListening;
    if (ending.aborted) throw new Refusal(503, 'The server is ending.');
    if (channels.put(session, uid, read.actions, bytes) === 'too much') {
      throw new Refusal(429, 'There are too many open channels, or actions that wait in this one.');
    }
    return reply.code(204).send();
  };

  const get = async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      const session = await door.caller(request, reply);
      // A client that has logged in again asks for its stream with the old cookie, for ever. It
      // begins anew when the channel is gone; that is there only if it has used the new cookie.
      if (!session && readCookies(request.headers.cookie).some(({ ship }) => channels.has(ship, uidOf(request)))) {
        throw gone();
      }
      if (!session) throw notLoggedIn();
      if (request.headers['x-channel-format'] === JAM) throw new Refusal(406, 'This channel speaks JSON, not nouns.');
      // Without delay a client makes another channel on 404, and comes again a little later on 503.
      if (ending.aborted) throw new Refusal(503, 'The server is ending.');
      const lastEventId = readEventId(request.headers['last-event-id']);
      if (openStream(reply, (stream) => channels.attach(session, uidOf(request), stream, lastEventId))) return reply;
    } catch (error) {
      if (error instanceof Refusal) throw error;
      log.warn({ err: error }, 'event stream not opened');
      throw new Refusal(503, 'The stream cannot be opened at the moment.');
    }
    throw gone();
  };

  scope.put('/~/channel/:uid', put);
  scope.post('/~/channel/:uid', put);
  scope.get('/~/channel/:uid', { exposeHeadRoute: false }, get);
  const refuseJam = async (request: FastifyRequest) => {
    throw new Refusal(request.method === 'GET' ? 406 : 400, 'This server speaks JSON in channels, not nouns.');
  };
  scope.route({ method: ['GET', 'PUT', 'POST'], url: '/~/channel-jam/:uid', handler: refuseJam });
};

const gone = () => new Refusal(404, 'There is no such channel, or not any more.');

const readEventId = (header: string | string[] | undefined): number | undefined =>
  typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
