// Receives a request body: first as much as anybody may send, the rest when it is known who calls.
// Bytes, values and depth are counted as they come, so nothing is held that would be refused.
import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { type Clock, nextTurn } from '../../core/clock.ts';
import { ApiError } from '../api-error.ts';
import { inputTooLarge, isJson, SMALL_BODY_BYTES } from './body.ts';
import type { BodyBudget, BodyShare } from './body-budget.ts';
import { createStructureCheck } from './json-structure.ts';

export type IncomingBody = {
  /** Resolves with whether that was all of it. */
  readonly begin: () => Promise<boolean>;
  /** All of it, after decompression. May be called again. */
  readonly read: () => Promise<Buffer>;
  /** Frees what `read` answered; it is not asked for again. */
  readonly forget: () => void;
  /**
   * Lets go of what was received, and of what still comes: a sender who is not done yet would see a
   * broken connection instead of the answer, so that is read for a while.
   */
  readonly end: () => void;
};

export type ReceiveSettings = {
  readonly limit: number;
  readonly budget: BodyBudget;
  readonly clock: Clock;
  /**
   * Gets every piece as it comes, after decompression, in place of the check of its structure: for
   * who verifies bytes before anybody looks into them.
   */
  readonly onPiece?: (piece: Buffer) => void;
};

const CHUNK = { chunkSize: 64 * 1024 };
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(CHUNK),
  deflate: () => createInflate(CHUNK),
  br: () => createBrotliDecompress(CHUNK),
};
const LONGEST_DRAIN_MS = 5_000;
/**
 * The pieces in which a body may come, of 400 bytes each for the largest. Each takes a turn through
 * parser and streams, whatever its size: ten million of one byte took 20 s and 3.5 GB.
 */
const MOST_PIECES = 25_000;
/** Then others have a turn. */
const PIECES_AT_ONCE = 2_000;
/** Bytes for which there must be room before more is taken. */
const ROOM_AT_ONCE = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/** undefined: the body comes as it is. */
const decoderOf = (encoding: string | undefined): Transform | undefined => {
  if (encoding === undefined || encoding === 'identity') return undefined;
  const coding = encoding.toLowerCase().replace(/^x-/, '');
  const create = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
  if (create) return create();
  throw new ApiError('MalformedPayload', `Unsupported content-encoding: ${encoding}. Send gzip, deflate, br or none.`);
};

const inTooManyPieces = (): ApiError =>
  new ApiError(
    'InputTooLarge',
    `The request body comes in more than ${MOST_PIECES.toLocaleString('en')} pieces. Send larger ones.`,
  );

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

type Waiting = { readonly forAll: boolean; readonly resolve: () => void; readonly reject: (error: unknown) => void };

export const receiveBody = (request: IncomingMessage, settings: ReceiveSettings): IncomingBody => {
  const { limit, budget, clock, onPiece } = settings;
  const encoding = request.headers['content-encoding'];
  const checkPiece = onPiece ?? (isJson(request.headers['content-type']) ? createStructureCheck() : undefined);
  /** Opened when there is more to take than everybody may. */
  let share: BodyShare | undefined;
  let decoder: Transform | undefined;
  let source: IncomingMessage | Transform = request;
  let chunks: Buffer[] = [];
  let whole: Buffer | undefined;
  let [pieces, sentBytes, bytes, roomFor] = [0, 0, 0, SMALL_BODY_BYTES];
  let [isListening, isComplete, isForgotten, isOver] = [false, false, false, false];
  let failure: unknown;
  /** Pending while all bodies together are too large. */
  let room: Promise<void> | undefined;
  /** Who waits for the beginning or for all of it. */
  let waiting: Waiting | undefined;

  const fail = (error: unknown) => {
    if (isComplete || isOver) return;
    failure ??= error;
    stopDecoding();
    waiting?.reject(failure);
  };
  const goOn = () => {
    if (pieces > MOST_PIECES) return;
    if (isOver || decoder || bytes <= SMALL_BODY_BYTES) request.resume();
    else flow();
  };
  const onSent = (chunk: Buffer) => {
    pieces += 1; // also of what comes after a refusal
    if (pieces % PIECES_AT_ONCE === 0) {
      request.pause();
      void nextTurn().then(goOn);
    }
    if (pieces > MOST_PIECES) {
      fail(inTooManyPieces());
      request.pause();
      request.socket.pause(); // by itself the parser goes on until it has as many bytes as a stream holds
    }
    if (failure !== undefined || isOver) return;
    sentBytes += chunk.length; // also of a coding that makes nothing of them
    if (sentBytes > limit) fail(inputTooLarge(limit));
    else if (!decoder) onData(chunk);
  };
  const onData = (chunk: Buffer) => {
    if (failure !== undefined || isOver) return;
    bytes += chunk.length;
    if (bytes > limit) return fail(inputTooLarge(limit));
    try {
      checkPiece?.(chunk);
    } catch (error) {
      return fail(error);
    }
    chunks.push(chunk);
    if (bytes <= roomFor) return;
    source.pause();
    room = takeRoom()?.then(() => {
      room = undefined;
      flow();
    }, fail);
    if (waiting?.forAll) flow();
    else waiting?.resolve();
  };
  const takeRoom = () => {
    const more = Math.max(bytes - roomFor, ROOM_AT_ONCE);
    roomFor += more;
    share ??= budget.open();
    return share.take(more);
  };
  const flow = () => {
    if (waiting?.forAll && !room && failure === undefined && !isOver) source.resume();
  };
  const onEnd = () => {
    if (failure !== undefined || isOver) return;
    isComplete = true;
    stopDecoding();
    waiting?.resolve();
  };
  const onBroken = () => {
    if (!request.complete) fail(new ApiError('MalformedPayload', 'The body ended before all of it had come.'));
  };
  const onUndecodable = (error: Error) =>
    fail(new ApiError('MalformedPayload', `The body is not valid ${encoding}.`, error));

  // No listener is taken off again, which costs as much as to add it: they know when it is over.
  const listen = () => {
    if (!isListening) request.on('data', onSent);
    isListening = true;
  };
  const attach = () => {
    decoder = decoderOf(encoding);
    request.on('error', onBroken).on('close', onBroken);
    listen();
    if (decoder) {
      source = decoder.on('error', onUndecodable).on('data', onData);
      request.pipe(decoder);
    }
    source.on('end', onEnd);
  };
  const stopDecoding = () => {
    if (!decoder) return;
    request.unpipe(decoder);
    decoder.destroy();
  };

  const wait = (forAll: boolean): Promise<void> => {
    if (failure !== undefined) return Promise.reject(failure);
    if (isComplete) return Promise.resolve();
    return new Promise((resolve, reject) => {
      waiting = { forAll, resolve, reject };
    });
  };

  return {
    begin: async () => {
      if (Number(request.headers['content-length'] ?? 0) > limit) throw inputTooLarge(limit);
      if (!hasBody(request)) {
        decoderOf(encoding);
        isComplete = true;
        return true;
      }
      const begun = wait(false);
      attach();
      await begun;
      return isComplete;
    },
    read: async () => {
      if (isOver || isForgotten) throw new Error('the body was let go of');
      if (whole) return whole;
      const read = wait(true);
      flow();
      await read;
      whole = chunks.length === 1 ? (chunks[0] as Buffer) : chunks.length === 0 ? EMPTY : Buffer.concat(chunks);
      chunks = [];
      return whole;
    },
    forget: () => {
      whole = undefined;
      isForgotten = true;
    },
    end: () => {
      if (isOver) return;
      if (!isComplete) stopDecoding();
      isOver = true;
      chunks = [];
      whole = undefined;
      share?.release();
      if (request.complete || request.destroyed) return;
      listen();
      if (pieces <= MOST_PIECES) request.resume();
      const cancel = clock.after(LONGEST_DRAIN_MS, () => request.destroy());
      request.once('end', cancel).once('close', cancel);
    },
  };
};
