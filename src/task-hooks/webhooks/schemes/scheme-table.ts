// The schemes as data: where a signature stands, how it is written, and what is signed.
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { SentHeaders } from './headers.ts';
import { standardKeyOf } from './secrets.ts';
import { type SchemeSettings, signedTemplateOf } from './settings.ts';

export type Algorithm = 'sha256' | 'sha512' | 'sha1';
export type Encoding = 'hex' | 'base64';

/** What a signature header holds. A value that is no such thing is undefined. */
export type Signatures = { readonly macs: string[]; readonly eds: string[]; readonly timestamp?: string };

export type Signed = {
  readonly kind: 'signed';
  readonly algorithm: Algorithm;
  readonly encoding: Encoding;
  /** Where the signature may stand. When it comes in several of them, they must agree. */
  readonly headers: readonly string[];
  readonly timestampHeader?: string;
  readonly idHeader?: string;
  /** With {body}, {timestamp} and {id}. */
  readonly template: string;
  readonly read: (value: string) => Signatures | undefined;
  /** What the provider would write for a signature. `isEd`: of the asymmetric kind. */
  readonly write: (signature: string, timestamp: string, isEd: boolean) => string;
  readonly keyOf: (secret: string) => KeyObject | undefined;
};

export type Scheme =
  | Signed
  | {
      readonly kind: 'token';
      readonly header: string;
      /** What stands before the secret, in whatever case. */
      readonly prefix: string;
      readonly tokenOf: (secret: string) => string;
    }
  | { readonly kind: 'none' };

const DIGEST_BYTES = { sha256: 32, sha512: 64, sha1: 20 } as const;
/** More than senders use when they change their secret; each costs a comparison. */
const MOST_SIGNATURES = 10;
/** Each costs many times as much as a symmetric one. */
const MOST_ED_SIGNATURES = 4;

/** Whether a text is a digest in that encoding, of that length, and in its one way to write it. */
const isDigest = (text: string, bytes: number, encoding: Encoding): boolean =>
  encoding === 'hex'
    ? text.length === 2 * bytes && /^[0-9a-f]+$/.test(text)
    : text.length === 4 * Math.ceil(bytes / 3) && Buffer.from(text, 'base64').toString('base64') === text;

const textKey = (secret: string): KeyObject => createSecretKey(Buffer.from(secret));

type Plain = Pick<Signed, 'headers' | 'template' | 'timestampHeader'> & {
  readonly algorithm?: Algorithm;
  readonly encoding?: Encoding;
  readonly prefix?: string;
};

/** One signature in a header, with something fixed before it. */
const plain = ({ algorithm = 'sha256', encoding = 'hex', prefix = '', ...rest }: Plain): Signed => ({
  ...{ kind: 'signed', algorithm, encoding, keyOf: textKey, ...rest },
  read: (value) => {
    const given = value.slice(prefix.length);
    const isRight = value.startsWith(prefix) && isDigest(given, DIGEST_BYTES[algorithm], encoding);
    return isRight ? { macs: [given], eds: [] } : undefined;
  },
  write: (signature) => `${prefix}${signature}`,
});

const few = (signatures: Signatures): Signatures | undefined => {
  const { macs, eds } = signatures;
  const count = macs.length + eds.length;
  return count > 0 && count <= MOST_SIGNATURES && eds.length <= MOST_ED_SIGNATURES ? signatures : undefined;
};

/** `v1,… v1a,…`; other versions are for others. */
const readStandard: Signed['read'] = (value) => {
  const signatures: Signatures = { macs: [], eds: [] };
  for (const item of value.split(' ', MOST_SIGNATURES + 1)) {
    const [, version, text = ''] = /^(v[0-9a-z]+),(\S+)$/.exec(item) ?? [];
    if (version === undefined) return undefined;
    if (version !== 'v1' && version !== 'v1a') continue;
    if (!isDigest(text, version === 'v1' ? 32 : 64, 'base64')) return undefined;
    (version === 'v1' ? signatures.macs : signatures.eds).push(text);
  }
  return few(signatures);
};

/** `t=…,v1=…`; other versions are for others. */
const readStripe: Signed['read'] = (value) => {
  const items = value.split(',', 2 * MOST_SIGNATURES).map((item) => /^([a-z0-9]+)=(\S*)$/.exec(item)?.slice(1) ?? []);
  const valuesOf = (name: string) => items.flatMap(([key, text = '']) => (key === name ? [text] : []));
  const [timestamp, second] = valuesOf('t');
  const macs = valuesOf('v1');
  if (timestamp === undefined || second !== undefined) return undefined;
  if (items.some(({ length }) => length === 0) || !macs.every((text) => isDigest(text, 32, 'hex'))) return undefined;
  return few({ macs, eds: [], timestamp });
};

/** Svix and those who use it send the headers under its own name. */
const standard = (headers: SentHeaders): Signed => {
  const brand = headers['webhook-signature'] === undefined && headers['svix-signature'] !== undefined;
  const name = (part: string) => `${brand ? 'svix' : 'webhook'}-${part}`;
  return {
    ...{ kind: 'signed', algorithm: 'sha256', encoding: 'base64', keyOf: standardKeyOf, read: readStandard },
    ...{ headers: [name('signature')], timestampHeader: name('timestamp'), idHeader: name('id') },
    template: '{id}.{timestamp}.{body}',
    write: (signature, _timestamp, isEd) => `${isEd ? 'v1a' : 'v1'},${signature}`,
  };
};

const STRIPE: Signed = {
  ...{ kind: 'signed', algorithm: 'sha256', encoding: 'hex', keyOf: textKey, read: readStripe },
  ...{ headers: ['stripe-signature'], template: '{timestamp}.{body}' },
  write: (signature, timestamp) => `t=${timestamp},v1=${signature}`,
};

const GITHUB = plain({ headers: ['x-hub-signature-256'], prefix: 'sha256=', template: '{body}' });
const GITEA = plain({ headers: ['x-gitea-signature', 'x-forgejo-signature', 'x-gogs-signature'], template: '{body}' });
const SLACK = plain({
  ...{ headers: ['x-slack-signature'], prefix: 'v0=', template: 'v0:{timestamp}:{body}' },
  timestampHeader: 'x-slack-request-timestamp',
});

/** The scheme of a webhook. `headers` are what a delivery came with; none, to sign one. */
export const schemeOf = ({ scheme, hmac }: SchemeSettings, headers: SentHeaders = {}): Scheme => {
  switch (scheme) {
    case 'standard':
      return standard(headers);
    case 'github':
      return GITHUB;
    case 'gitea':
      return GITEA;
    case 'slack':
      return SLACK;
    case 'stripe':
      return STRIPE;
    case 'gitlab':
      return { kind: 'token', header: 'x-gitlab-token', prefix: '', tokenOf: (secret) => secret };
    case 'bearer':
      return { kind: 'token', header: 'authorization', prefix: 'Bearer ', tokenOf: (secret) => secret };
    case 'basic':
      return { kind: 'token', header: 'authorization', prefix: 'Basic ', tokenOf: base64 };
    case 'none':
      return { kind: 'none' };
    case 'hmac': {
      if (hmac === undefined) throw new TypeError('a webhook of the scheme hmac without its settings was stored');
      const { header, timestampHeader, ...rest } = hmac;
      return plain({
        ...{ ...rest, headers: [header.toLowerCase()], template: signedTemplateOf(hmac) },
        ...(timestampHeader !== undefined && { timestampHeader: timestampHeader.toLowerCase() }),
      });
    }
  }
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');
