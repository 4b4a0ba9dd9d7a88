// The requests of the load, signed before the clock starts.
import { createHmac, randomBytes } from 'node:crypto';

export type RequestsToSign = {
  /**
   * Whom the requests are signed for, and what their Host header says; the reference gets the same
   * bytes as the server.
   */
  readonly signedFor: { readonly host: string; readonly port: number };
  readonly credentials: { readonly clientId: string; readonly accessToken: string };
  /** Signed as deliveries of a webhook (`standard`), with this secret, and not by Hawk. */
  readonly webhookSecret?: string;
  /** Of a POST. */
  readonly path: string;
  /** JSON in ASCII. */
  readonly body: string;
  /** How many to sign; a run ends when they are used up. */
  readonly requests: number;
};

/**
 * One after another in one buffer, each `length` bytes: only nonce, ts and mac differ, and these
 * are as long in all of them.
 */
export type SignedRequests = { readonly bytes: Buffer; readonly length: number };

/** Each with a nonce of its own, without a payload hash, as the real client does it. */
export const signRequests = (plan: RequestsToSign, nowMs: number): SignedRequests => {
  const { host, port } = plan.signedFor;
  const seed = randomBytes(4).toString('hex');
  const ts = Math.floor(nowMs / 1000);
  const webhookKey = plan.webhookSecret === undefined ? undefined : Buffer.from(plan.webhookSecret.slice(6), 'base64');
  const headersOf = (nonce: string): string => {
    if (webhookKey) {
      const mac = createHmac('sha256', webhookKey).update(`${nonce}.${ts}.${plan.body}`).digest('base64');
      return `webhook-id: ${nonce}\r\nwebhook-timestamp: ${ts}\r\nwebhook-signature: v1,${mac}\r\n`;
    }
    const text = `hawk.1.header\n${ts}\n${nonce}\nPOST\n${plan.path}\n${host}\n${port}\n\n\n`;
    const mac = createHmac('sha256', plan.credentials.accessToken).update(text).digest('base64');
    return `Authorization: Hawk id="${plan.credentials.clientId}", ts="${ts}", nonce="${nonce}", mac="${mac}"\r\n`;
  };
  const sign = (index: number): string => {
    const nonce = seed + index.toString(36).padStart(5, '0');
    return (
      `POST ${plan.path} HTTP/1.1\r\nHost: ${host}:${port}\r\n` +
      `${headersOf(nonce)}` +
      `Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: ${plan.body.length}\r\n\r\n${plan.body}`
    );
  };
  const { length } = sign(0);
  const bytes = Buffer.allocUnsafe(length * plan.requests);
  for (let index = 0; index < plan.requests; index++) bytes.write(sign(index), index * length, 'latin1');
  return { bytes, length };
};
