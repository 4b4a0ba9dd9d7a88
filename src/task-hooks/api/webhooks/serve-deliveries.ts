// The addresses of webhooks over HTTP: what senders send, ask before they send, and are answered.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import { ApiError } from '../../../http/api-error.ts';
import { BODY_LIMIT_BYTES } from '../../../http/bodies/body.ts';
import { receiveBody } from '../../../http/bodies/receive-body.ts';
import { createSplitBudget } from '../../../http/bodies/split-budget.ts';
import { sendJson } from '../../../http/send-json.ts';
import type { ClientAddress } from '../../../http/senders/addresses.ts';
import { toApiError } from '../../../http/serve-api.ts';
import type { DeliveryResult, ReceiveDelivery } from '../../deliveries/receive-delivery.ts';
import type { WebhookCache } from '../../deliveries/webhook-cache.ts';
import { answerChallenge, answerOptions, type Handshake } from '../../webhooks/handshakes.ts';
import type { SentHeaders } from '../../webhooks/schemes/headers.ts';
import { triggerError } from '../trigger-error.ts';

export type DeliveryServing = {
  readonly receive: ReceiveDelivery;
  readonly cache: Pick<WebhookCache, 'reload'>;
  readonly clientAddress: ClientAddress;
  readonly clock: Clock;
  readonly log: Log;
};

export const WEBHOOK_URL = '/api/hooks/v1/webhook';
const METHODS = 'POST, GET, OPTIONS';

/** The same for an address that leads nowhere, a wrong signature, and all else that is wrong. */
const refusal = () =>
  new ApiError(
    'AuthenticationFailed',
    'This delivery was not accepted. Whoever set the webhook up finds the reason among the fires of its hook.',
  );

export const serveDeliveries = (server: FastifyInstance, serving: DeliveryServing): void => {
  const { receive, cache, clientAddress, clock, log } = serving;
  // One of their own: no sender takes the room of those who sign, or of another webhook.
  const budget = createSplitBudget(clock);

  const deliver = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    let onPiece: (piece: Buffer) => void = () => {};
    const body = receiveBody(request.raw, {
      limit: BODY_LIMIT_BYTES,
      budget: budget.of(pathIn(request)),
      clock,
      onPiece: (piece) => onPiece(piece),
    });
    try {
      const delivered = await receive({
        ...{ path: pathIn(request), query: queryIn(request), requestId: request.id },
        ...{ address: clientAddress(request.raw), headers: request.raw.headersDistinct as SentHeaders },
        readBody: async (update) => {
          onPiece = update;
          await body.begin();
          return body.read();
        },
      });
      return answer(reply, delivered);
    } finally {
      body.end();
    }
  };

  const answerGet = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const webhook = await cache.reload(pathIn(request)); // another process may have changed the token
    const isOpen =
      webhook !== undefined && webhook.expires > clock.now() && webhook.isAllowed(clientAddress(request.raw));
    const handshake = answerChallenge(queryIn(request), isOpen ? webhook.hidden.verifyToken : undefined);
    if (handshake) return shakeHands(reply, handshake);
    const problem = { code: 'MethodNotAllowed', message: 'Deliveries are sent with POST.' };
    return sendJson(reply.header('allow', METHODS), 405, problem);
  };

  const url = `${WEBHOOK_URL}/:path`;
  server.post(url, guarded(deliver, log));
  server.get(url, guarded(answerGet, log));
  server.options(url, async (request, reply) => {
    const handshake = answerOptions(request.raw.headersDistinct as SentHeaders);
    return handshake ? shakeHands(reply, handshake) : reply.header('allow', METHODS).code(204).send();
  });
};

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

const guarded =
  (handle: Handler, log: Log): Handler =>
  async (request, reply) => {
    try {
      return await handle(request, reply);
    } catch (thrown) {
      const { statusCode, code, message } = toApiError(thrown, () => log.child({ requestId: request.id }), 'webhook');
      return sendJson(reply, statusCode, { code, message });
    }
  };

const answer = (reply: FastifyReply, delivered: DeliveryResult): FastifyReply => {
  if (delivered.kind === 'refused') throw refusal();
  if (delivered.kind === 'handshake') return shakeHands(reply, delivered.handshake);
  const { webhook, taskId, result } = delivered;
  const { outcome } = result;
  if (outcome !== 'created' && outcome !== 'pending' && outcome !== 'declined') {
    throw outcome === 'no-such-hook' || outcome === 'wrong-token'
      ? refusal()
      : triggerError(webhook.hook, taskId, result);
  }
  if (webhook.settings.respond === 'Task') return sendJson(reply, 200, outcome === 'declined' ? {} : { taskId });
  // Slack takes nothing but 200 for a yes.
  return reply.code(webhook.settings.scheme === 'slack' ? 200 : 202).send();
};

const shakeHands = (reply: FastifyReply, { status, headers, body }: Handshake): FastifyReply =>
  reply.code(status).headers(headers).send(body);

const pathIn = (request: FastifyRequest): string => (request.params as { readonly path: string }).path;

const queryIn = ({ raw }: FastifyRequest): URLSearchParams => new URLSearchParams((raw.url ?? '').split('?')[1] ?? '');
