// What a signature covers, as text: Hawk 1.1 and the certificate of temporary credentials. The
// server verifies the same texts, so nothing here needs a browser or Node.

export type HawkFields = {
  /** Seconds since the epoch; in a bewit, when it expires. */
  readonly timestamp: number | string;
  /** Empty in a bewit. */
  readonly nonce: string;
  readonly verb: string;
  /** Path and query, as they stand on the request line. */
  readonly resource: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number | string;
  /** Of the payload. */
  readonly hash?: string | undefined;
  readonly ext?: string | undefined;
  /** Of Oz, which no client of ours sends. */
  readonly app?: string | undefined;
  readonly dlg?: string | undefined;
};

/** The text whose HMAC is the signature. */
export const hawkText = (type: 'header' | 'bewit', fields: HawkFields): string => {
  const { timestamp, nonce, verb, resource, host, port, hash = '', ext = '', app, dlg = '' } = fields;
  const escapedExt = ext.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return (
    `hawk.1.${type}\n${timestamp}\n${nonce}\n${verb.toUpperCase()}\n${resource}\n${host.toLowerCase()}\n${port}\n` +
    `${hash}\n${escapedExt}\n${app ? `${app}\n${dlg}\n` : ''}`
  );
};

/** What stands before a payload when it is hashed; a line's end stands after it. */
export const payloadHead = (contentType = ''): string =>
  `hawk.1.payload\n${(contentType.split(';')[0] ?? '').trim().toLowerCase()}\n`;

export type HawkAttributes = {
  readonly id: string;
  readonly ts: number;
  readonly nonce: string;
  readonly hash?: string | undefined;
  readonly ext?: string | undefined;
  readonly mac: string;
};

/** The value of the `Authorization` header. */
export const hawkHeader = ({ id, ts, nonce, hash, ext, mac }: HawkAttributes): string => {
  const written = Object.entries({ id, ts, nonce, hash, ext, mac }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${value}"`],
  );
  return `Hawk ${written.join(', ')}`;
};

/** Host and port of a URL, as they are signed. */
export const signedAddress = ({ hostname, port, protocol }: Pick<URL, 'hostname' | 'port' | 'protocol'>) => ({
  host: withoutBrackets(hostname),
  port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port),
});

/** All implementations sign an IPv6 address without its brackets. */
export const withoutBrackets = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host);

export type CertificateText = {
  /** Of credentials that bear another name than their issuer's. */
  readonly named?: { readonly clientId: string; readonly issuer: string } | undefined;
  readonly seed: string;
  readonly start: number;
  readonly expiry: number;
  readonly scopes: readonly string[];
};

/**
 * Without scopes it ends without a line's end: that is the text which the real service verifies.
 */
export const certificateText = ({ named, seed, start, expiry, scopes }: CertificateText): string =>
  [
    'version:1',
    ...(named ? [`clientId:${named.clientId}`, `issuer:${named.issuer}`] : []),
    ...[`seed:${seed}`, `start:${start}`, `expiry:${expiry}`, 'scopes:'],
    ...scopes,
  ].join('\n');
