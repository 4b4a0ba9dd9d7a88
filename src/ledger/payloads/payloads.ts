// What fires were made of: kept sealed beside the ledger, for those who may read payloads, to show
// and to fire again.
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type Clock, toIso } from '../../core/clock.ts';
import type { SecretBox } from '../../core/secret-box.ts';
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { LedgerRow } from '../entry.ts';
import { redactJson } from './redact-json.ts';

/** What came to a hook, before anything was made of it. */
export type Came = {
  /** What the template sees beside the payload, and what is known of where it came from. */
  readonly context: Readonly<Record<string, unknown>>;
  /** The payload as it came; absent: there was none. */
  readonly body?: Uint8Array | string | undefined;
};

/** How a hook wants the payloads of its fires to be kept. */
export type Keeping = {
  readonly isKept: boolean;
  /** JSON pointers into what the template sees: `/payload/user/email`, `/webhook/headers/host`. */
  readonly redact: readonly string[];
};

export type KeptPayload = {
  readonly context: Readonly<Record<string, unknown>>;
  /** The payload as it came, or its beginning; undefined: there was none. */
  readonly text: string | undefined;
  /** Of all of it, as it came. */
  readonly bytes: number;
  /** Whether `text` is all of it. */
  readonly isWhole: boolean;
  /** Whether something was taken out before it was kept: it is not what the hook was given. */
  readonly isRedacted: boolean;
};

export type FireIdentity = { readonly hookUid: string; readonly cause: string };

export type Payloads = {
  /** What is stored with the fire. undefined: nothing is kept. */
  readonly keep: (fire: FireIdentity, came: Came, keeping?: Keeping) => Buffer | undefined;
  /** undefined: it was not kept, or its time is over. */
  readonly read: (
    on: Queryable,
    row: Pick<LedgerRow, 'hookUid' | 'cause' | 'arrived'>,
  ) => Promise<KeptPayload | undefined>;
};

export type PayloadsSettings = {
  readonly secretBox: SecretBox;
  readonly clock: Clock;
  /** How long they can be read; 0: none is kept. */
  readonly days: number;
};

/** A payload up to this is kept whole. */
export const MOST_WHOLE_BYTES = 256 * 1024;
/** Of a larger one. */
export const MOST_OF_LARGER_BYTES = 64 * 1024;
/** The names and values that came with it have some hundred bytes. */
const MOST_CONTEXT_BYTES = 16 * 1024;
/** Compressing less gains a hundred bytes, and takes longer than sealing it. */
const WORTH_COMPRESSING_BYTES = 1024;
const QUICKLY = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const [PLAIN, COMPRESSED] = [0, Buffer.of(1)];
const NOTHING = Buffer.alloc(0);
const LINE_BREAK = 10;
const DAY_MS = 86_400_000;

const KEEP_ALL: Keeping = { isKept: true, redact: [] };

/** The first line of what is sealed; the payload follows it. */
type Head = Pick<KeptPayload, 'context' | 'bytes'> & {
  readonly isCut?: true;
  readonly isRedacted?: true;
  readonly isNone?: true;
};

const findPayload = statement<{ kept: Buffer }>(
  'payloads.find',
  'select kept from payloads where at = $1 and hook_uid = $2 and cause = $3 limit 1',
);

export const createPayloads = ({ secretBox, clock, days }: PayloadsSettings): Payloads => {
  const boxes = new Map<string, SecretBox>();
  /** There may be millions a day: 256 keys, by hook. */
  const boxOf = (hookUid: string): SecretBox => {
    const shard = hookUid.slice(0, 2);
    const box = boxes.get(shard) ?? secretBox.derive(`payloads ${shard}`);
    boxes.set(shard, box);
    return box;
  };
  return {
    keep: (fire, came, { isKept, redact } = KEEP_ALL) => {
      if (days === 0 || !isKept) return undefined;
      return boxOf(fire.hookUid).sealBytes(pack(piecesOf(came, redact)), placeOf(fire));
    },
    read: async (on, { hookUid, cause, arrived }) => {
      if (cause === null || arrived < clock.now() - days * DAY_MS) return undefined;
      const [found] = await on.query(findPayload, [toIso(arrived), hookUid, cause]);
      if (!found) return undefined;
      const bytes = unpack(boxOf(hookUid).openBytes(found.kept, placeOf({ hookUid, cause })));
      const end = bytes.indexOf(LINE_BREAK);
      const { isCut, isRedacted, isNone, ...head } = JSON.parse(bytes.toString('utf8', 0, end)) as Head;
      const text = isNone ? undefined : textOf(bytes.subarray(end + 1), isCut === true);
      return { ...head, text, isWhole: !isCut, isRedacted: isRedacted === true };
    },
  };
};

const placeOf = ({ hookUid, cause }: FireIdentity): string => `payload ${hookUid} ${cause}`;

type Pieces = { readonly head: string; readonly body: Uint8Array };

const piecesOf = ({ context, body }: Came, redact: readonly string[]): Pieces => {
  if (redact.length > 0) return redactedPieces(context, body, redact);
  if (body === undefined) return { head: headOf(context, { bytes: 0, isNone: true }), body: NOTHING };
  const all = typeof body === 'string' ? Buffer.from(body) : body;
  const bytes = all.length;
  if (bytes <= MOST_WHOLE_BYTES) return { head: headOf(context, { bytes }), body: all };
  return { head: headOf(context, { bytes, isCut: true }), body: all.subarray(0, MOST_OF_LARGER_BYTES) };
};

/**
 * What cannot be looked through is not kept: a body that is no JSON, or more of it than is parsed
 * here.
 */
const redactedPieces = (context: Came['context'], body: Came['body'], redact: readonly string[]): Pieces => {
  const bytes = body === undefined ? 0 : Buffer.byteLength(body);
  const parsed = bytes > 0 && bytes <= MOST_WHOLE_BYTES ? parse(body as Uint8Array | string) : undefined;
  const shown = redactJson({ ...context, ...(parsed && { payload: parsed.value }) }, redact);
  const { payload, ...rest } = shown;
  if (parsed) return { head: headOf(rest, { bytes, isRedacted: true }), body: Buffer.from(JSON.stringify(payload)) };
  const why = body === undefined ? ({ isNone: true } as const) : ({ isCut: true } as const);
  return { head: headOf(rest, { bytes, isRedacted: true, ...why }), body: NOTHING };
};

const parse = (body: Uint8Array | string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString()) };
  } catch {
    return undefined; // it is no JSON
  }
};

/** JSON. The context is written once: how long it is shows then. */
const headOf = (context: Came['context'], rest: Omit<Head, 'context'>): string => {
  const text = JSON.stringify(context);
  return `{"context":${text.length <= MOST_CONTEXT_BYTES ? text : '{"isCut":true}'},${JSON.stringify(rest).slice(1)}`;
};

const pack = ({ head, body }: Pieces): Buffer => {
  const headBytes = Buffer.byteLength(head);
  const plain = Buffer.allocUnsafe(headBytes + body.length + 2);
  plain[0] = PLAIN;
  plain.write(head, 1);
  plain[headBytes + 1] = LINE_BREAK;
  plain.set(body, headBytes + 2);
  if (plain.length < WORTH_COMPRESSING_BYTES) return plain;
  const smaller = Buffer.concat([COMPRESSED, zstdCompressSync(plain.subarray(1), QUICKLY)]);
  return smaller.length < plain.length ? smaller : plain;
};

const unpack = (packed: Buffer): Buffer =>
  packed[0] === PLAIN
    ? packed.subarray(1)
    : zstdDecompressSync(packed.subarray(1), { maxOutputLength: 2 * MOST_WHOLE_BYTES });

/** The beginning of a text may end inside of a character, which is left away. */
const textOf = (bytes: Buffer, isCut: boolean): string => new TextDecoder().decode(bytes, { stream: isCut });
