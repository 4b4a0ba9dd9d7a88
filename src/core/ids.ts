// Identifiers: where they come from and how they look.
import { randomBytes, randomUUID } from 'node:crypto';

/** A taskId: a v4 UUID in URL-safe base64 without padding (spec/task-hooks.md, section 1). */
export const SLUG_ID = /^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$/;

/**
 * A new taskId. The first bit is cleared so that it never begins with `-`, which command lines read as a flag;
 * the Taskcluster clients call that a "nice" slug.
 */
export const newSlugId = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] as number) & 0x7f;
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('base64url');
};

/** An access token of 44 characters: two slug ids, which is the length that every Taskcluster client expects. */
export const newAccessToken = (): string => newSlugId() + newSlugId();

/** A request id, an incident id, the identity of an incarnation of a hook. */
export const newUuid = (): string => randomUUID();
