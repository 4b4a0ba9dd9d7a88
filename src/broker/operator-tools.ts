// What people do with a broker by hand: publish a message now, and watch what comes. Both brokers
// can.
//
//   watch   a queue for a while, for somebody who looks on. It keeps a bounded number of messages,
//   drops the oldest when there are more,
//           and is gone when nobody has read it for a minute. Any process can serve the next read.
import { createHash } from 'node:crypto';
import type { OutgoingMessage } from './broker.ts';

/** Whoever has it reads the watch, so it is told to nobody else; brokers see a digest of it. */
export type WatchId = { readonly exchange: string; readonly id: string };

export type WatchedMessage = {
  readonly exchange: string;
  readonly routingKey: string;
  /** More keys by which it was routed. */
  readonly cc: readonly string[];
  readonly messageId: string | undefined;
  /** When the broker accepted it, in ms; undefined: it does not say. */
  readonly accepted: number | undefined;
  /** As UTF-8, whatever it is; undefined: it is longer than LONGEST_BODY_SHOWN. */
  readonly body: string | undefined;
  readonly bytes: number;
};

export type WatchReading = {
  readonly messages: readonly WatchedMessage[];
  /** Older messages were dropped, or may have been, because more came than a watch keeps. */
  readonly isIncomplete: boolean;
};

export type PublishResult = {
  /** Whether any queue got it. */
  readonly wasRouted: boolean;
};

export type BrokerTools = {
  /**
   * Resolves when the broker has accepted it durably. `declare`: an exchange that does not exist is
   * made, as a durable topic exchange. Throws an ApiError when there is no such exchange, or the
   * broker refuses, or cannot be reached.
   */
  readonly publish: (message: OutgoingMessage, options?: { readonly declare?: boolean }) => Promise<PublishResult>;
  /**
   * Answers the id of the watch, under which messages gather from here on. Throws an ApiError as
   * `publish` does.
   */
  readonly openWatch: (exchange: string, routingKeyPattern: string) => Promise<string>;
  /**
   * What has come, oldest first; each message once. Waits for the first one, until LONGEST_WAIT_MS
   * are over or the signal aborts. Throws an ApiError ResourceNotFound when there is no such watch
   * on that exchange (any more).
   */
  readonly readWatch: (watch: WatchId, signal: AbortSignal) => Promise<WatchReading>;
  /** No error when it is gone already. */
  readonly closeWatch: (watch: WatchId) => Promise<void>;
};

export const LONGEST_WAIT_MS = 10_000;
export const WATCH_LIVES_MS = 60_000;
/** What a watch keeps while nobody reads. */
export const MOST_KEPT = 1_000;
export const MOST_BYTES_KEPT = 32 * 1024 * 1024;
/** What one read answers; a single message may be larger. */
export const MOST_READ = 100;
export const MOST_BYTES_READ = 2 * 1024 * 1024;
const LONGEST_BODY_SHOWN = 1024 * 1024;

export const NO_SUCH_WATCH =
  'There is no such watch on this exchange. One that nobody has read for a minute is gone; open another.';

/**
 * A name for the watch's queue. It leads back to neither id nor exchange, and another exchange with
 * the same id leads elsewhere.
 */
export const digestOfWatch = ({ exchange, id }: WatchId): string =>
  createHash('sha256').update(exchange).update('\0').update(id).digest('base64url');

/** A body as it is shown. */
export const shownBody = (body: Buffer): { readonly body: string | undefined; readonly bytes: number } => ({
  body: body.length > LONGEST_BODY_SHOWN ? undefined : body.toString(),
  bytes: body.length,
});
