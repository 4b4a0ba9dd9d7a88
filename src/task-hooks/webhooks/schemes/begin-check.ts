// Checks who sent a delivery: the headers at once, the raw body as it streams by. How long it takes
// tells nothing about the secret: each secret is tried with each signature, whatever was found
// before, and digests are compared in constant time.
import { createHash, createHmac, type Hmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { secretsAreEqual } from '../../../core/secret-box.ts';
import { deliveryIdOf, eventOf, onlyValue, type SentHeaders } from './headers.ts';
import { type Scheme, type Signatures, type Signed, schemeOf } from './scheme-table.ts';
import { DEFAULT_TOLERANCE_SECONDS, type SchemeSettings } from './settings.ts';
import { type Check, type Refused, refused, type Verified } from './verdict.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * @param settings as `problemsOfScheme` admits them, with their `secrets`.
 * @param headers of the request, each with all its values: `headersDistinct`.
 */
export const beginCheck = (
  settings: SchemeSettings,
  secrets: readonly string[],
  headers: SentHeaders,
  nowMs: number,
): Check | Refused => {
  const scheme = schemeOf(settings, headers);
  const names = { event: eventOf(headers), deliveryId: deliveryIdOf(headers) };
  if (scheme.kind !== 'signed') return checkToken(scheme, secrets, headers, names);
  const toleranceMs = (settings.toleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS) * 1_000;
  const read = readSigned(scheme, headers, nowMs, toleranceMs);
  if ('check' in read) return read;
  return checkSigned({ ...read, scheme, secrets, names, toleranceMs });
};

type Names = Pick<Verified, 'event' | 'deliveryId'>;

/** The secret itself came in a header. Nothing ties it to the body. */
const checkToken = (
  scheme: Exclude<Scheme, Signed>,
  secrets: readonly string[],
  headers: SentHeaders,
  names: Names,
): Check | Refused => {
  if (scheme.kind === 'token') {
    const { header, prefix, tokenOf } = scheme;
    const value = theOne(headers, header);
    if (typeof value !== 'string') return value;
    if (value.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return refused('malformed', header);
    const given = value.slice(prefix.length);
    const right = secrets.filter((secret) => secretsAreEqual(tokenOf(secret), given));
    if (right.length === 0) return refused('wrong', header);
  }
  // An id that nobody vouches for tells honest repeats apart, if they are the same in the body too.
  // A whole CloudEvent has its id in the body.
  const isCloudEvent = onlyValue(headers, 'content-type')?.startsWith('application/cloudevents') === true;
  const id = names.deliveryId ?? (isCloudEvent ? '' : undefined);
  const hash = id === undefined ? undefined : createHash('sha256').update(`id ${id}\n`);
  return {
    kind: 'check',
    update: (piece) => void hash?.update(piece),
    finish: async () => ({ kind: 'verified', replayKey: hash?.digest(), rememberMs: DAY_MS, ...names }),
  };
};

const theOne = (headers: SentHeaders, name: string): string | Refused =>
  onlyValue(headers, name) ?? refused(headers[name] === undefined ? 'missing' : 'repeated', name);

type Read = {
  readonly signatures: Signatures;
  readonly header: string;
  readonly before: string;
  readonly after: string;
  readonly id?: string;
  readonly isStamped: boolean;
};

/** What the headers say, before anything is computed. */
const readSigned = (scheme: Signed, headers: SentHeaders, nowMs: number, toleranceMs: number): Read | Refused => {
  const present = scheme.headers.filter((name) => headers[name] !== undefined);
  const header = present[0] ?? (scheme.headers[0] as string);
  const values = new Set<string>();
  for (const name of present.length === 0 ? [header] : present) {
    const value = theOne(headers, name);
    if (typeof value !== 'string') return value;
    values.add(value);
  }
  const [value = ''] = values;
  const signatures = values.size === 1 ? scheme.read(value) : undefined;
  if (signatures === undefined) return refused('malformed', header);
  const id = scheme.idHeader === undefined ? undefined : theOne(headers, scheme.idHeader);
  if (typeof id === 'object') return id;
  // A full stop in it would leave open where the id ends, in what is signed.
  if (id !== undefined && !/^[!-\-/-~]{1,255}$/.test(id)) return refused('malformed', scheme.idHeader as string);
  const stampHeader = scheme.timestampHeader ?? header;
  const timestamp = scheme.timestampHeader === undefined ? signatures.timestamp : theOne(headers, stampHeader);
  if (typeof timestamp === 'object') return timestamp;
  if (timestamp !== undefined) {
    const sentMs = readTimestamp(timestamp);
    if (sentMs === undefined) return refused('malformed', stampHeader);
    if (sentMs < nowMs - toleranceMs) return refused('too-old', stampHeader);
    if (sentMs > nowMs + toleranceMs) return refused('too-new', stampHeader);
  }
  const [before = '', after = ''] = signedParts(scheme, id, timestamp);
  return { signatures, header, before, after, isStamped: timestamp !== undefined, ...(id !== undefined && { id }) };
};

/** What is signed before and after the body. */
export const signedParts = ({ template }: Signed, id = '', timestamp = ''): string[] =>
  template.split('{body}').map((part) => part.replace('{id}', () => id).replace('{timestamp}', () => timestamp));

/** In seconds, in milliseconds, or as ISO 8601 in UTC; one way to write each. */
const readTimestamp = (text: string): number | undefined => {
  if (/^[1-9]\d{0,10}$/.test(text)) return Number(text) * 1_000;
  if (/^[1-9]\d{12}$/.test(text)) return Number(text);
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
};

type ToCheck = Read & {
  readonly scheme: Signed;
  readonly secrets: readonly string[];
  readonly names: Names;
  readonly toleranceMs: number;
};

const checkSigned = (given: ToCheck): Check => {
  const { scheme, secrets, signatures, header, before, after, id, isStamped, names, toleranceMs } = given;
  const keys = secrets.map(scheme.keyOf).filter((key) => key !== undefined);
  const hmacs = keys.filter(({ type }) => type === 'secret').map((key) => createHmac(scheme.algorithm, key));
  const publicKeys = keys.filter(({ type }) => type === 'public');
  // An id that is signed says by itself which copies are one delivery, when it was sent anew, too.
  const material = createHash('sha256').update(id === undefined ? 'body\n' : `id ${id}\n`);
  const hashes = id === undefined ? [...hmacs, material] : hmacs;
  const pieces: Uint8Array[] = [];
  const update = (piece: Uint8Array) => {
    for (const hash of hashes) hash.update(piece);
    if (signatures.eds.length > 0) pieces.push(piece);
  };
  update(Buffer.from(before));
  return {
    kind: 'check',
    update,
    finish: async () => {
      update(Buffer.from(after));
      const right =
        countRight(hmacs, signatures.macs, scheme) + (await countRightEd(publicKeys, signatures.eds, pieces));
      if (right === 0) return refused('wrong', header);
      const rememberMs = isStamped ? 2 * toleranceMs : DAY_MS;
      return { kind: 'verified', replayKey: material.digest(), rememberMs, ...names };
    },
  };
};

const countRight = (hmacs: readonly Hmac[], macs: readonly string[], { encoding }: Signed): number => {
  let right = 0;
  for (const hmac of hmacs) {
    const digest = Buffer.from(hmac.digest(encoding));
    // Of equal length: `read` of the scheme has seen to it.
    for (const mac of macs) right += Number(timingSafeEqual(digest, Buffer.from(mac)));
  }
  return right;
};

const verifyElsewhere = promisify(verify);

/** On other threads, because these need the whole body at once. */
const countRightEd = async (
  publicKeys: readonly KeyObject[],
  eds: readonly string[],
  pieces: readonly Uint8Array[],
): Promise<number> => {
  if (publicKeys.length === 0 || eds.length === 0) return 0;
  const whole = Buffer.concat(pieces);
  const verdicts = publicKeys.flatMap((key) =>
    eds.map((signature) => verifyElsewhere(null, whole, key, Buffer.from(signature, 'base64'))),
  );
  return (await Promise.all(verdicts)).filter(Boolean).length;
};
