// Services of the deployment that this server does not have: whoever asks here for them is told
// where they are.
import type { FastifyInstance } from 'fastify';
import { type Clock, toIso } from '../core/clock.ts';
import { ApiError, errorEnvelope } from './api-error.ts';
import { sendJson } from './send-json.ts';

export type Elsewhere = {
  /** Their names in URLs. */
  readonly services: readonly string[];
  /** Without a slash at its end. */
  readonly rootUrl: string;
};

export const serveElsewhere = (server: FastifyInstance, { services, rootUrl }: Elsewhere, clock: Clock): void => {
  for (const service of services) {
    const refuse = new ApiError(
      'ResourceNotFound',
      `This server is a part of the deployment at ${rootUrl}, and does not serve its ${service}. Ask there: ${rootUrl}/api/${service}/v1`,
    );
    for (const url of [`/api/${service}`, `/api/${service}/*`]) {
      server.all(url, (_request, reply) =>
        sendJson(reply, 404, errorEnvelope(refuse, { method: '', params: {}, time: toIso(clock.now()) })),
      );
    }
  }
};
