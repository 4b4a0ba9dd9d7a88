// Identifiers: where they come from and how they look.
import { randomBytes, randomUUID } from 'node:crypto';

/** A taskId: a v4 UUID in URL-safe base64 without padding. */
export const SLUG_ID = /^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$/;

/**
 * A new taskId. The first bit is cleared so that it never begins with `-`, which command lines read
 * as a flag; the Taskcluster clients call that a "nice" slug.
 */
export const newSlugId = (): string => {
  // randomUUID keeps random bytes in store, which makes it ten times as fast as asking for 16 of
  // them.
  const bytes = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
  bytes[0] = (bytes[0] as number) & 0x7f;
  return bytes.toString('base64url');
};

/**
 * An access token of 44 characters: two slug ids, which is the length that every Taskcluster client
 * expects.
 */
export const newAccessToken = (): string => newSlugId() + newSlugId();

/** A request id, an incident id, the identity of an incarnation of a hook. */
export const newUuid = (): string => randomUUID();

/** 128 random bits. */
export const newBits128 = (): bigint => BigInt(`0x${randomBytes(16).toString('hex')}`);
