// Calls with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): one that got no answer
// is sent again, and fires once.
import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { ApiError } from '../../http/api-error.ts';
import type { HookCall } from '../firing/evaluate-call.ts';
import type { KnownEvent } from '../firing/fire.ts';

/** In the draft's words a quoted string; most senders leave the quotes away. */
const KEY = /^(?:"[\x21\x23-\x2b\x2d-\x7e]{1,255}"|[\x21\x23-\x2b\x2d-\x7e]{1,255})$/;
const REMEMBERED_MS = 24 * 60 * 60 * 1000;

/** Of an answer that was given before. */
export const REPLAYED = { headers: { 'idempotent-replayed': 'true' } } as const;

/** A key is its caller's own, whatever others choose; callers with the trigger token are one. */
export const knownCallOf = (
  idempotencyKey: string,
  body: Uint8Array,
  { firedBy, clientId }: Pick<HookCall, 'firedBy' | 'clientId'>,
  clock: Clock,
): KnownEvent => {
  if (!KEY.test(idempotencyKey)) {
    throw new ApiError(
      'InvalidRequestArguments',
      'The header Idempotency-Key has one key of 1 to 255 visible ASCII characters, without commas. A UUID is a good one.',
    );
  }
  const name = JSON.stringify([firedBy, clientId ?? null, idempotencyKey.replaceAll('"', '')]);
  return {
    key: createHash('sha256').update(`call ${name}`).digest(),
    bodyHash: createHash('sha256').update(body).digest(),
    forget: clock.now() + REMEMBERED_MS,
  };
};
