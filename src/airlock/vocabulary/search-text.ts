// What clients search for, and where it is looked for.
import type { Story } from '../../community/types/story.ts';
import { isObject } from './json.ts';

/**
 * The text of a path's last part: `~~` and then text in which a space is `.`, and what is neither a
 * small letter nor a digit or `-` is escaped. A part that is not written so means itself.
 *
 * @example searchedText('~~hello.~77.orld') === 'hello world'
 */
export const searchedText = (part: string): string => {
  if (!/^~~([a-z0-9.-]|~[.~]|~[0-9a-f]{1,6}\.)*$/.test(part)) return part;
  return part
    .slice(2)
    .replace(/~~|~\.|~[0-9a-f]+\.|\./g, (found) => (found === '.' ? ' ' : (ESCAPES[found] ?? fromCode(found))));
};

const ESCAPES: Readonly<Record<string, string>> = { '~~': '~', '~.': '.' };

const fromCode = (written: string): string => {
  const code = Number.parseInt(written.slice(1, -1), 16);
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : '';
};

/** Everything that a person reads in it, in order. */
export const textOfStory = (story: Story): string => {
  const texts: string[] = [];
  collect(story, texts, 0);
  return texts.join('');
};

/** Keys of texts that nobody reads as such. */
const UNREAD = new Set(['src', 'lang', 'type', 'where']);
/** No honest story is nested deeper. */
const DEEPEST = 200;

const collect = (value: unknown, texts: string[], depth: number): void => {
  if (depth > DEEPEST) return;
  if (typeof value === 'string') texts.push(value);
  else if (Array.isArray(value)) for (const one of value) collect(one, texts, depth + 1);
  else if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) if (!UNREAD.has(key)) collect(inner, texts, depth + 1);
    if ('break' in value || 'inline' in value || 'item' in value) texts.push('\n');
  }
};
