// Signs a delivery as its provider would: for `hookwright webhooks send`, and to see what arrives.
import { createHmac, type KeyObject, sign } from 'node:crypto';
import { signedParts } from './begin-check.ts';
import { type Signed, schemeOf } from './scheme-table.ts';
import type { SchemeName, SchemeSettings } from './settings.ts';

export type Delivery = {
  readonly body: Uint8Array;
  /** Unique for each delivery. */
  readonly id: string;
  readonly event?: string | undefined;
  readonly nowMs: number;
};

/**
 * The headers that prove who sent it, and those in which this provider names event and delivery.
 * `secret`: as the webhook has it; of an asymmetric pair the private half, `whsk_…`.
 */
export const signDelivery = (
  settings: SchemeSettings,
  secret: string | undefined,
  delivery: Delivery,
): Record<string, string> => {
  const scheme = schemeOf(settings);
  const names = namesOf(settings.scheme, delivery);
  if (scheme.kind === 'none') return names;
  if (secret === undefined) throw new TypeError(`the scheme ${settings.scheme} needs a secret`);
  if (scheme.kind === 'token') return { ...names, [scheme.header]: `${scheme.prefix}${scheme.tokenOf(secret)}` };
  const { idHeader, timestampHeader, headers } = scheme;
  const timestamp = String(Math.floor(delivery.nowMs / 1_000));
  const key = scheme.keyOf(secret);
  if (key === undefined) throw new TypeError('the secret is not of the scheme');
  const value = scheme.write(signatureOf(scheme, key, delivery, timestamp), timestamp, key.type === 'private');
  return {
    ...names,
    ...(idHeader !== undefined && { [idHeader]: delivery.id }),
    ...(timestampHeader !== undefined && { [timestampHeader]: timestamp }),
    ...Object.fromEntries(headers.map((header) => [header, value])),
  };
};

const signatureOf = (scheme: Signed, key: KeyObject, { body, id }: Delivery, timestamp: string): string => {
  const [before = '', after = ''] = signedParts(scheme, id, timestamp);
  const whole = Buffer.concat([Buffer.from(before), body, Buffer.from(after)]);
  if (key.type === 'private') return sign(null, whole, key).toString('base64');
  return createHmac(scheme.algorithm, key).update(whole).digest(scheme.encoding);
};

const namesOf = (scheme: SchemeName, { id, event }: Delivery): Record<string, string> => {
  const brand = { github: 'x-github', gitea: 'x-gitea', gitlab: 'x-gitlab' }[scheme as string];
  if (brand === undefined) return {};
  const delivery = scheme === 'gitlab' ? 'idempotency-key' : `${brand}-delivery`;
  return { [delivery]: id, ...(event !== undefined && { [`${brand}-event`]: event }) };
};
