// Bounds the memory of all large bodies together: who would exceed it waits, and the sender with
// them.
import type { Clock } from '../../core/clock.ts';
import { ApiError } from '../api-error.ts';

/** Of bodies that are being received or handled, beyond the first 100 KB of each. */
export const MOST_BODY_BYTES = 32 * 1024 * 1024;
const LONGEST_WAIT_MS = 30_000;

/** What one request holds. */
export type BodyShare = {
  /**
   * undefined: there is room. Otherwise resolves when there is, and rejects with ServiceUnavailable
   * when that takes too long.
   */
  readonly take: (bytes: number) => Promise<void> | undefined;
  readonly release: () => void;
};

export type BodyBudget = { readonly open: () => BodyShare };

type Share = { bytes: number; waiting?: { readonly bytes: number; readonly grant: () => void } | undefined };

export const createBodyBudget = (clock: Clock, mostBytes = MOST_BODY_BYTES): BodyBudget => {
  let used = 0;
  const shares = new Set<Share>(); // in the order in which they were opened
  /** The oldest always has room, so that bodies which wait for each other come to an end. */
  const hasRoom = (share: Share, bytes: number): boolean =>
    used + bytes <= mostBytes || shares.values().next().value === share;
  const give = (share: Share, bytes: number) => {
    share.bytes += bytes;
    used += bytes;
  };
  return {
    open: () => {
      const share: Share = { bytes: 0 };
      shares.add(share);
      return {
        take: (bytes) => {
          if (hasRoom(share, bytes)) return void give(share, bytes);
          return new Promise((resolve, reject) => {
            const cancel = clock.after(LONGEST_WAIT_MS, () => {
              share.waiting = undefined;
              reject(
                new ApiError(
                  'ServiceUnavailable',
                  'The server holds as many large bodies as it can. Send this again later.',
                ),
              );
            });
            const grant = () => {
              cancel();
              share.waiting = undefined;
              resolve();
            };
            share.waiting = { bytes, grant };
          });
        },
        release: () => {
          if (!shares.delete(share)) return;
          share.waiting?.grant(); // it has ended, and its wait with it
          used -= share.bytes;
          for (const other of shares) {
            if (!other.waiting || !hasRoom(other, other.waiting.bytes)) continue;
            give(other, other.waiting.bytes);
            other.waiting.grant();
          }
        },
      };
    },
  };
};
