// Whether a body is the one that was signed.

import { secretsAreEqual } from '../../core/secret-box.ts';
import type { SignedRequest } from '../../http/api-method.ts';
import { hawkPayloadHash } from '../../taskcluster/hawk.ts';
import { authenticationFailed } from './authentication-failed.ts';

/** Throws AuthenticationFailed when the body is another one than the signer claims. */
export const checkPayload = async ({ body, contentType }: SignedRequest, claimed: string): Promise<void> => {
  const bytes = typeof body === 'function' ? await body() : body;
  const computed = hawkPayloadHash(bytes, contentType);
  if (secretsAreEqual(claimed, computed)) return;
  throw authenticationFailed(
    `Invalid payload hash: ${claimed}\nComputed payload hash: ${computed}\n` +
      "This happens when your request carries a signed hash of the payload and the hash doesn't match the hash we've computed " +
      'on the server-side.',
  );
};
