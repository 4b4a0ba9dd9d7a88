// Who signs, and with what restrictions.
import { textToBase64 } from './digest.ts';

/** What makes credentials temporary; it comes from `createTemporaryCredentials`. */
export type Certificate = {
  readonly version: number;
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly start: number;
  /** Milliseconds since the epoch. */
  readonly expiry: number;
  readonly seed: string;
  readonly signature: string;
  /** The client that made it, where that is not the one whose name it gives. */
  readonly issuer?: string;
};

export type Credentials = {
  readonly clientId: string;
  readonly accessToken: string;
  /** Of temporary credentials: the certificate, or the JSON of it. */
  readonly certificate?: string | Certificate | null | undefined;
};

/** What a signature is made of. */
export type Signer = {
  readonly id: string;
  readonly key: string;
  /** Base64 of JSON: the certificate and the restriction. */
  readonly ext: string | undefined;
};

/** undefined: requests go unsigned. Throws TypeError, which never repeats a secret. */
export const createSigner = (
  credentials: Partial<Credentials> | undefined,
  authorizedScopes: readonly string[] | undefined,
): Signer | undefined => {
  const { clientId, accessToken, certificate } = credentials ?? {};
  if (!clientId && !accessToken) {
    if (authorizedScopes === undefined) return undefined;
    throw new TypeError('authorizedScopes restricts credentials, and there are none');
  }
  requireClientId(clientId, 'credentials.clientId');
  if (typeof accessToken !== 'string' || accessToken === '') {
    throw new TypeError('credentials.accessToken must be a string that is not empty');
  }
  if (authorizedScopes !== undefined) requireScopes(authorizedScopes, 'authorizedScopes');
  const ext = {
    ...(certificate && { certificate: readCertificate(certificate) }),
    ...(authorizedScopes !== undefined && { authorizedScopes }),
  };
  const hasExt = Object.keys(ext).length > 0;
  return { id: clientId, key: accessToken, ext: hasExt ? textToBase64(JSON.stringify(ext)) : undefined };
};

// What else a header would carry, it would not carry unharmed.
const CLIENT_ID = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;

export function requireClientId(value: unknown, name: string): asserts value is string {
  if (typeof value === 'string' && CLIENT_ID.test(value)) return;
  throw new TypeError(`${name} must be printable ASCII without quotes and backslashes, and not empty`);
}

export function requireScopes(value: unknown, name: string): asserts value is readonly string[] {
  if (Array.isArray(value) && value.every((scope) => typeof scope === 'string')) return;
  throw new TypeError(`${name} must be an array of strings`);
}

const readCertificate = (certificate: string | Certificate): unknown => {
  if (typeof certificate !== 'string') return certificate;
  try {
    return JSON.parse(certificate);
  } catch {
    // The parser's own message would show a piece of the text.
    throw new TypeError('credentials.certificate is neither an object nor JSON');
  }
};
