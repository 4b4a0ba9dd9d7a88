// How large what somebody writes may be, and how much of it is read at once, in channels and in
// conversations alike.
import type { Memo } from './types/posts.ts';

/** Bytes of a post, reply or message as its author wrote it, as JSON, with fields unknown here. */
export const LARGEST_CONTENT = 256_000;
/** Bytes of a post or message with all its replies and reactions, as it is kept. */
export const LARGEST_THREAD = 4 * 1024 * 1024;
/** Bytes of a page of groups, posts, messages or replies, which has one of them at least. */
export const LARGEST_PAGE = 4 * 1024 * 1024;
/** Bytes: an emoji of many parts, or the name of one. */
const LONGEST_REACTION = 256;

export const whyTooLarge = (memo: Memo): string | undefined => {
  const bytes = Buffer.byteLength(JSON.stringify(memo));
  return bytes > LARGEST_CONTENT ? `It has ${bytes} bytes, and at most ${LARGEST_CONTENT} are taken.` : undefined;
};

/** `others`: bytes of what stays in it as it is. */
export const whyThreadTooLarge = (docs: readonly unknown[], others: number): string | undefined => {
  const bytes = docs.reduce<number>((sum, doc) => sum + Buffer.byteLength(JSON.stringify(doc)), others);
  return bytes > LARGEST_THREAD
    ? `With its replies and reactions it has ${bytes} bytes, and at most ${LARGEST_THREAD} are taken.`
    : undefined;
};

export const whyNoReaction = (react: string): string | undefined => {
  const bytes = Buffer.byteLength(react);
  return bytes > 0 && bytes <= LONGEST_REACTION ? undefined : `A reaction has 1 to ${LONGEST_REACTION} bytes.`;
};
