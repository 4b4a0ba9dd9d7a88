// What a reader sees of a story, as plain text; and whom it mentions.
import type { Story } from '../../community/types/story.ts';
import { isObject, type JsonObject } from './json.ts';

/** Verses are lines. */
export const storyText = (story: Story): string => {
  const texts: string[] = [];
  for (const verse of story) {
    collect(verse, texts);
    texts.push('\n');
  }
  return texts.join('').trimEnd();
};

/** Whether a text is in it, whatever the case. */
export const contains = (story: Story, text: string): boolean =>
  storyText(story).toLowerCase().includes(text.toLowerCase());

export const mentions = (story: Story, ship: string): boolean => holds(story, (value) => value.ship === ship);

/** Fields of inlines and blocks that nobody reads as text. */
const UNREAD = new Set(['src', 'href', 'tag', 'lang', 'type', 'where', 'index', 'cite']);

/** Nobody writes deeper than that; what is not known passes at any depth. */
const DEEPEST = 200;

const collect = (value: unknown, into: string[], depth = 0): void => {
  if (typeof value === 'string') into.push(value);
  else if (depth > DEEPEST) return;
  else if (Array.isArray(value)) for (const inner of value) collect(inner, into, depth + 1);
  else if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) if (!UNREAD.has(key)) collect(inner, into, depth + 1);
  }
};

const holds = (value: unknown, test: (value: JsonObject) => boolean, depth = 0): boolean => {
  if (depth > DEEPEST) return false;
  if (Array.isArray(value)) return value.some((inner) => holds(inner, test, depth + 1));
  return isObject(value) && (test(value) || Object.values(value).some((inner) => holds(inner, test, depth + 1)));
};
