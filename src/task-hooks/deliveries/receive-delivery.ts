// A delivery on its way from its bytes to its fire: verified before it is read, and begun in one
// place with all other calls.
import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { newSlugId, newUuid } from '../../core/ids.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { CallResult } from '../firing/evaluate-call.ts';
import type { KnownEvent } from '../firing/fire.ts';
import type { FireCall } from '../firing/fire-call.ts';
import { readDelivery } from '../webhooks/bodies/read-delivery.ts';
import { answerSlack, answerValidation, type Handshake } from '../webhooks/handshakes.ts';
import { headersToShow } from '../webhooks/schemes/headers.ts';
import type { Check, Verified } from '../webhooks/schemes/verdict.ts';
import { checkSender, type RefusedSender, refusedBy, type Sender } from './check-sender.ts';
import type { RecordRefusal } from './refusals.ts';
import type { ReadyWebhook, WebhookCache } from './webhook-cache.ts';

export type IncomingDelivery = Sender & {
  /** The random end of the webhook's URL. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly requestId: string;
  /** Receives all of the body; every piece of it is shown to `onPiece` as it comes. */
  readonly readBody: (onPiece: (piece: Uint8Array) => void) => Promise<Buffer>;
};

export type DeliveryResult =
  /** Who sent it is told nothing more. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'handshake'; readonly handshake: Handshake }
  | { readonly kind: 'handled'; readonly webhook: ReadyWebhook; readonly taskId: string; readonly result: CallResult };

export type ReceiveDelivery = (delivery: IncomingDelivery) => Promise<DeliveryResult>;

export type ReceiveDeliverySettings = {
  readonly cache: WebhookCache;
  readonly fireCall: FireCall;
  readonly recordRefusal: RecordRefusal;
  readonly clock: Clock;
  readonly metrics: Metrics;
};

/** A webhook that is edited faster than a delivery is stored is edited by a program gone wild. */
const MOST_RELOADS = 5;
const PATIENCE_MS = 10_000;
/** Of Slack's question for a challenge. */
const LARGEST_HANDSHAKE_BYTES = 4 * 1024;

export const createReceiveDelivery = (settings: ReceiveDeliverySettings): ReceiveDelivery => {
  const { cache, fireCall, recordRefusal, clock, metrics } = settings;
  const deliveries = metrics.counter(
    'hookwright_webhook_deliveries_total',
    'Requests to webhooks, by what the check said',
    ['scheme', 'verdict'],
  );

  /** For the owner of the webhook. The sender of what has no fire is told by the answer at most. */
  const record = async (
    webhook: ReadyWebhook,
    message: string,
    { requestId, detail }: { readonly requestId: string; readonly detail: object },
  ) => {
    const { uid: hookUid, hookGroupId, hookId } = webhook.hook;
    await recordRefusal({
      ...{ hookUid, hookGroupId, hookId, cause: `delivery:${newUuid()}`, firedBy: 'triggerHookWithToken' },
      ...{ clientId: undefined, requestId, arrived: clock.now(), taskId: null },
      ...{ outcome: 'rejected', attempts: 0, error: { message }, countedAs: webhook.uid },
      detail: { webhook: webhook.name, ...detail },
    });
  };

  const refuse = async (webhook: ReadyWebhook, { check, message }: RefusedSender, delivery: IncomingDelivery) => {
    deliveries.inc({ scheme: webhook.settings.scheme, verdict: check });
    const { requestId, address } = delivery;
    await record(webhook, message, { requestId, detail: { check, address } });
    return { kind: 'refused' } as const;
  };

  /** The body is read once; whoever looks at it again has all of it. */
  const verify = async (webhook: ReadyWebhook, check: Check, body: Buffer | undefined, delivery: IncomingDelivery) => {
    const refuseUnread = async (error: unknown) => {
      await refuse(webhook, { kind: 'refused sender', check: 'unread', message: describeError(error) }, delivery);
      throw error;
    };
    const bytes = body ?? (await delivery.readBody(check.update).catch(refuseUnread));
    if (body) check.update(body);
    const verdict = await check.finish();
    return { bytes, verdict: verdict.kind === 'verified' ? verdict : refusedBy(verdict) };
  };

  const handle = async (webhook: ReadyWebhook, verified: Verified, body: Buffer, delivery: IncomingDelivery) => {
    const { settings, name, hook } = webhook;
    const { scheme, hmac, when, map, respond } = settings;
    const { event, deliveryId } = verified;
    const taskId = newSlugId();
    const names = { ...(event !== undefined && { event }), ...(deliveryId !== undefined && { deliveryId }) };
    const shown = { name, scheme, event: event ?? null, deliveryId: deliveryId ?? null };
    const headers = headersToShow(delivery.headers, hmac?.header);
    const result = await fireCall({
      ...{ hookGroupId: hook.hookGroupId, hookId: hook.hookId, revision: hook, firedBy: 'triggerHookWithToken' },
      ...{ clientId: undefined, requestId: delivery.requestId, taskId, chosenTaskId: undefined },
      delivery: { body, headers: delivery.headers, webhook: { ...shown, headers }, when, map },
      payloadBytes: body.length,
      known: knownEventOf(webhook, verified, clock.now()),
      patienceMs: respond === 'Task' ? PATIENCE_MS : 0,
      detail: { webhook: name, ...names },
    });
    if (result.outcome === 'malformed') {
      await record(webhook, result.message, { requestId: delivery.requestId, detail: names });
    }
    return { taskId, ...result };
  };

  return async (delivery) => {
    const { path, query } = delivery;
    let webhook = await cache.get(path);
    let body: Buffer | undefined;
    for (let reloads = 0; webhook; reloads += 1) {
      const check = checkSender(webhook, delivery, clock.now());
      const { bytes, verdict } =
        check.kind === 'check' ? await verify(webhook, check, body, delivery) : { bytes: body, verdict: check };
      body = bytes;
      if (verdict.kind === 'refused sender') {
        const fresh = await cache.reload(path); // it may have got another secret since
        if (fresh === webhook || reloads === MOST_RELOADS) return refuse(webhook, verdict, delivery);
        webhook = fresh;
        continue;
      }
      const handshake = answerValidation(query) ?? (await slackHandshake(webhook, body as Buffer, delivery));
      if (handshake) {
        deliveries.inc({ scheme: webhook.settings.scheme, verdict: 'handshake' });
        return { kind: 'handshake', handshake };
      }
      const result = await handle(webhook, verdict, body as Buffer, delivery);
      if (result.outcome !== 'wrong-token') {
        deliveries.inc({ scheme: webhook.settings.scheme, verdict: 'verified' });
        return { kind: 'handled', webhook, taskId: result.taskId, result };
      }
      if (reloads === MOST_RELOADS) throw new Error('a webhook changes all the time');
      webhook = await cache.reload(path);
    }
    deliveries.inc({ scheme: 'unknown', verdict: 'unknown' });
    return { kind: 'refused' };
  };
};

const slackHandshake = async (
  { settings: { scheme } }: ReadyWebhook,
  body: Buffer,
  { headers }: IncomingDelivery,
): Promise<Handshake | undefined> => {
  if (scheme !== 'slack' || body.length > LARGEST_HANDSHAKE_BYTES || !body.includes('url_verification'))
    return undefined;
  const content = await readDelivery(body, headers).catch(() => undefined); // what is no JSON is told with the fire
  return content && answerSlack(scheme, content.payload);
};

/** undefined: nothing tells this delivery from another one. */
const knownEventOf = (
  { uid }: ReadyWebhook,
  { replayKey, rememberMs }: Verified,
  now: number,
): KnownEvent | undefined => {
  if (replayKey === undefined) return undefined;
  const key = createHash('sha256').update(`webhook ${uid}\n`).update(replayKey).digest();
  return { key, bodyHash: key, forget: now + rememberMs };
};
