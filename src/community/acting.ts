// Who acts, and what came of it. The same for users and for effects of hooks.
import type { Transaction } from '../database/database.ts';

export type Acting = {
  /** The ship that acts. */
  readonly actor: string;
  /** ms since the epoch. */
  readonly now: number;
};

export type ActResult =
  /** `id`: of the post, reply or message that was made, in digits. Nothing to change is done. */
  | { readonly kind: 'done'; readonly id?: string }
  /** `reason` is for whoever acted. Nothing was changed. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Does one kind of action in a transaction; when it refuses, it has written nothing. */
export type ActIn<Asked> = (tx: Transaction, asked: Asked, acting: Acting) => Promise<ActResult>;

export const DONE: ActResult = { kind: 'done' };

export const refuse = (reason: string): ActResult => ({ kind: 'refused', reason });
