// Identifiers: where they come from and how they look.
import { randomBytes, randomFillSync, randomUUID } from 'node:crypto';

/** A taskId: a v4 UUID in URL-safe base64 without padding. */
export const SLUG_ID = /^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$/;

/** Random bytes in store: asking for 16 of them takes ten times as long. */
const store = Buffer.alloc(128 * 16);
let used = store.length;

/**
 * A new taskId. The first bit is cleared so that it never begins with `-`, which command lines read
 * as a flag; the Taskcluster clients call that a "nice" slug.
 */
export const newSlugId = (): string => {
  if (used === store.length) {
    randomFillSync(store);
    used = 0;
  }
  const first = used;
  used += 16;
  store[first] = (store[first] as number) & 0x7f;
  store[first + 6] = ((store[first + 6] as number) & 0x0f) | 0x40; // the version
  store[first + 8] = ((store[first + 8] as number) & 0x3f) | 0x80; // the variant
  return store.toString('base64url', first, used);
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
