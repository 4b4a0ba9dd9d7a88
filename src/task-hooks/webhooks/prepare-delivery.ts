// What a webhook makes of a verified delivery before the hook sees it: the payload, its own
// condition, its own shape. Pure, and the same wherever it runs.
import { ApiError, type ApiErrorCode } from '../../http/api-error.ts';
import { readDelivery } from './bodies/read-delivery.ts';
import type { SentHeaders } from './schemes/headers.ts';

/** What templates see as `webhook`. */
export type WebhookContext = {
  readonly name: string;
  readonly scheme: string;
  /** What the sender calls the event, and the delivery. */
  readonly event: string | null;
  readonly deliveryId: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly cloudevent?: Readonly<Record<string, unknown>>;
};

export type DeliveredBody = {
  readonly body: Uint8Array;
  readonly headers: SentHeaders;
  readonly webhook: WebhookContext;
  /** JSON-e: unless it renders to something true, nothing fires. */
  readonly when: unknown;
  /** JSON-e: what becomes the payload. */
  readonly map: unknown;
};

/** What templates see of a delivery. */
export type WebhookEvent = { readonly payload: unknown; readonly webhook: WebhookContext };

export type PreparedDelivery =
  | { readonly outcome: 'malformed'; readonly code: ApiErrorCode; readonly message: string }
  | (WebhookEvent & { readonly outcome: 'prepared' })
  /** `payload`: as it was before the webhook changed it. */
  | (WebhookEvent & {
      readonly outcome: 'ended';
      readonly evaluation:
        | { readonly outcome: 'declined'; readonly reason: string; readonly step: 'matched' }
        | { readonly outcome: 'failed'; readonly message: string; readonly step: 'matched' };
    });

/** What a template of JSON-e renders to, or why it does not. */
export type RenderTried = (
  template: unknown,
  values: object,
) => { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

/** @param context what templates see besides `payload` and `webhook`. */
export const prepareDelivery = async (
  delivery: DeliveredBody,
  context: object,
  render: RenderTried,
): Promise<PreparedDelivery> => {
  const { body, headers, when, map } = delivery;
  let content: Awaited<ReturnType<typeof readDelivery>>;
  try {
    content = await readDelivery(Buffer.from(body.buffer, body.byteOffset, body.length), headers);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { outcome: 'malformed', code: error.code, message: error.message };
  }
  const { payload, cloudevent } = content;
  const webhook = cloudevent ? { ...delivery.webhook, cloudevent } : delivery.webhook;
  const values = { ...context, payload, webhook };
  const failed = (message: string): PreparedDelivery => ({
    ...{ outcome: 'ended', payload, webhook },
    evaluation: { outcome: 'failed', message, step: 'matched' },
  });
  const condition = when === undefined ? ALWAYS : render(when, values);
  if (!condition.ok) return failed(`"when" of the webhook: ${condition.reason}`);
  if (!isTrue(condition.value)) {
    const reason = 'The condition of the webhook ("when") does not hold.';
    return { outcome: 'ended', payload, webhook, evaluation: { outcome: 'declined', reason, step: 'matched' } };
  }
  if (map === undefined) return { outcome: 'prepared', payload, webhook };
  const mapped = render(map, values);
  if (!mapped.ok) return failed(`"map" of the webhook: ${mapped.reason}`);
  const { value } = mapped;
  if (typeof value === 'object' && value !== null) return { outcome: 'prepared', payload: value, webhook };
  return failed('"map" of the webhook renders to no object and no array.');
};

const ALWAYS = { ok: true, value: true } as const;

/** As JSON-e has it: empty arrays and objects are false, too. */
const isTrue = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value);
