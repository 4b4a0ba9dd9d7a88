// The file of a backup, byte by byte. A first line that names it, then frames: kind (1 byte),
// length (4 bytes), CRC-32 (4 bytes), content. The last frame has the SHA-256 of all that stands
// before it. So what was cut off or altered is found, and a damaged frame never reaches a database.
// Numbers are big-endian, on every machine.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, crc32, zstdCompress, zstdDecompress } from 'node:zlib';
import { describeError, OperatorError } from '../../core/errors.ts';

/**
 * H: what the backup is (JSON). T: a table begins (its name). D: a piece of its rows (COPY text,
 * zstd). E: the end (JSON).
 */
export type FrameKind = 'H' | 'T' | 'D' | 'E';
export type Frame = { readonly kind: FrameKind; readonly content: Buffer };

const FIRST_LINE = 'hookwright backup ';
/** Grows when an older Hookwright could not read the file any more. */
const FORMAT = 1;
const HEAD_BYTES = 9;
/** Rows are written in pieces of this size. Memory is a few of them, however large the tables. */
export const PIECE_BYTES = 1024 * 1024;
/**
 * More than any frame that is written; a length beyond it is damage, and must not become memory.
 */
const MOST_FRAME_BYTES = 64 * 1024 * 1024;

/**
 * The same data twice as small as with gzip's fastest and several times as fast; the checksum of
 * each frame is ours.
 */
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

export const pack = (rows: Buffer): Promise<Buffer> => compress(rows, LEVEL);
export const unpack = (content: Buffer): Promise<Buffer> => decompress(content, { maxOutputLength: MOST_FRAME_BYTES });

export type FrameWriter = {
  /** The bytes with which the file begins. */
  readonly begin: () => Buffer;
  readonly frame: (kind: Exclude<FrameKind, 'E'>, content: Buffer) => Buffer;
  /** The bytes with which the file ends. `what` becomes part of them. */
  readonly end: (what: object) => Buffer;
};

export const createFrameWriter = (): FrameWriter => {
  const hash = createHash('sha256');
  const counted = (bytes: Buffer): Buffer => {
    hash.update(bytes);
    return bytes;
  };
  return {
    begin: () => counted(Buffer.from(`${FIRST_LINE}${FORMAT}\n`)),
    frame: (kind, content) => counted(frameOf(kind, content)),
    end: (what) => frameOf('E', Buffer.from(JSON.stringify({ ...what, sha256: hash.digest('hex') }))),
  };
};

const frameOf = (kind: FrameKind, content: Buffer): Buffer => {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(kind, 0, 'latin1');
  head.writeUInt32BE(content.length, 1);
  head.writeUInt32BE(crc32(content), 5);
  return Buffer.concat([head, content]);
};

/**
 * The frames of a file, each checked before it is handed out; the last one is E, and comes only
 * when everything before it is as it was written and nothing follows. Throws HW_BACKUP_DAMAGED or
 * HW_BACKUP_TOO_NEW. `path` is for messages.
 */
export async function* readFrames(source: AsyncIterable<Buffer>, path: string): AsyncGenerator<Frame> {
  const damaged = (reason: string) => new OperatorError('HW_BACKUP_DAMAGED', { path, reason });
  const hash = createHash('sha256');
  await using bytes = createByteReader(source);
  await readFirstLine(bytes, path, hash);
  for (;;) {
    const at = bytes.position();
    const head = await bytes.take(HEAD_BYTES);
    if (head.length < HEAD_BYTES) throw damaged(`it ends at byte ${at}, before its end: it was cut off`);
    const kind = head.toString('latin1', 0, 1);
    const length = head.readUInt32BE(1);
    if (!isKind(kind) || length > MOST_FRAME_BYTES)
      throw damaged(`what stands at byte ${at} was not written by a backup`);
    const content = await bytes.take(length);
    if (content.length < length) throw damaged(`it ends within the frame at byte ${at}: it was cut off`);
    if (crc32(content) !== head.readUInt32BE(5)) throw damaged(`the frame at byte ${at} does not have its checksum`);
    if (kind === 'E') {
      const { sha256 } = parseJson(content, path) as { sha256?: unknown };
      if (sha256 !== hash.digest('hex'))
        throw damaged('it does not have its checksum: something in it is missing or altered');
      if ((await bytes.take(1)).length > 0) throw damaged('something follows after its end');
      return yield { kind, content };
    }
    hash.update(head).update(content);
    yield { kind, content };
  }
}

const isKind = (kind: string): kind is FrameKind => kind.length === 1 && 'HTDE'.includes(kind);

const readFirstLine = async (bytes: ByteReader, path: string, hash: { update: (bytes: Buffer) => unknown }) => {
  const expected = `${FIRST_LINE}${FORMAT}\n`;
  const begin = await bytes.take(expected.length);
  hash.update(begin);
  const text = begin.toString('latin1');
  if (text === expected) return;
  if (text.length === expected.length && /^hookwright backup \d/.test(text)) {
    throw new OperatorError('HW_BACKUP_TOO_NEW', { path, reason: 'its format is not known to this version' });
  }
  const reason = text === '' ? 'it is empty' : 'it was not written by hookwright backup';
  throw new OperatorError('HW_BACKUP_DAMAGED', { path, reason });
};

/** JSON of a frame. Throws HW_BACKUP_DAMAGED. */
export const parseJson = (content: Buffer, path: string): unknown => {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch (error) {
    throw new OperatorError('HW_BACKUP_DAMAGED', { path, reason: describeError(error) }, error);
  }
};

type ByteReader = AsyncDisposable & {
  /** Fewer only at the end. */
  readonly take: (count: number) => Promise<Buffer>;
  readonly position: () => number;
};

const createByteReader = (source: AsyncIterable<Buffer>): ByteReader => {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Buffer[] = [];
  let held = 0;
  let position = 0;
  return {
    position: () => position,
    [Symbol.asyncDispose]: async () => {
      await chunks.return?.();
    },
    take: async (count) => {
      while (held < count) {
        const next = await chunks.next();
        if (next.done === true) break;
        rest.push(next.value);
        held += next.value.length;
      }
      const all = rest.length === 1 ? (rest[0] as Buffer) : Buffer.concat(rest);
      const taken = all.subarray(0, count);
      const left = all.subarray(taken.length);
      rest = left.length === 0 ? [] : [left];
      held = left.length;
      position += taken.length;
      return taken;
    },
  };
};
