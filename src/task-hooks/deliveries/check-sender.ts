// Whether a webhook believes a request: what can be said without its body, and then with it.
import { toIso } from '../../core/clock.ts';
import { beginCheck } from '../webhooks/schemes/begin-check.ts';
import type { SentHeaders } from '../webhooks/schemes/headers.ts';
import { type Check, type FailedCheck, type Refused, refusalText } from '../webhooks/schemes/verdict.ts';
import type { ReadyWebhook } from './webhook-cache.ts';

export type Sender = { readonly address: string; readonly headers: SentHeaders };

/** Why it does not: a closed set, for the ledger and for labels of metrics. */
export type RefusedSender = {
  readonly kind: 'refused sender';
  readonly check: FailedCheck | 'expired' | 'address' | 'unread';
  readonly message: string;
};

export const refusedBy = (refused: Refused): RefusedSender => ({
  kind: 'refused sender',
  check: refused.check,
  message: refusalText(refused),
});

export const checkSender = (
  webhook: ReadyWebhook,
  { address, headers }: Sender,
  now: number,
): Check | RefusedSender => {
  const { settings, hidden, expires } = webhook;
  if (expires <= now) {
    return { kind: 'refused sender', check: 'expired', message: `The webhook has expired, at ${toIso(expires)}.` };
  }
  if (!webhook.isAllowed(address)) {
    const message = `The address ${address} is none of those from which the webhook takes deliveries ("allow").`;
    return { kind: 'refused sender', check: 'address', message };
  }
  const check = beginCheck(settings, hidden.secrets, headers, now);
  return check.kind === 'check' ? check : refusedBy(check);
};
