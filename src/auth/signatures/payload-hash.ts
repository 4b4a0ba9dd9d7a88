// Whether a body is the one that was signed.
import { timingSafeEqual } from 'node:crypto';
import hawk from 'hawk';
import type { SignedRequest } from '../../http/api-method.ts';
import { refusal } from './refusal.ts';

/** Throws AuthenticationFailed when the body is another one than the signer claims. */
export const checkPayload = ({ body, contentType }: SignedRequest, claimed: string): void => {
  const computed = hawk.crypto.calculatePayloadHash(body, 'sha256', contentType);
  const [left, right] = [Buffer.from(claimed), Buffer.from(computed)];
  if (left.length === right.length && timingSafeEqual(left, right)) return;
  throw refusal(
    `Invalid payload hash: ${claimed}\nComputed payload hash: ${computed}\n` +
      "This happens when your request carries a signed hash of the payload and the hash doesn't match the hash we've computed " +
      'on the server-side.',
  );
};
