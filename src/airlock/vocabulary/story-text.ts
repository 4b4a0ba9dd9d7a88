// What a reader sees of a story, as plain text; and whom it mentions.
import type { Story } from '../../community/types/story.ts';
import { isObject, type JsonObject } from './json.ts';

/** Verses are lines. */
export const storyText = (story: Story): string => story.map((verse) => textsOf(verse).join('')).join('\n');

/** Whether a text is in it, whatever the case. */
export const contains = (story: Story, text: string): boolean =>
  storyText(story).toLowerCase().includes(text.toLowerCase());

export const mentions = (story: Story, ship: string): boolean => holds(story, (value) => value.ship === ship);

/** Fields of inlines and blocks that nobody reads as text. */
const UNREAD = new Set(['src', 'href', 'tag', 'lang', 'type', 'where', 'index', 'cite']);

/** Nobody writes deeper than that; what is not known passes at any depth. */
const DEEPEST = 200;

const textsOf = (value: unknown, depth = 0): string[] => {
  if (typeof value === 'string') return [value];
  if (depth > DEEPEST) return [];
  if (Array.isArray(value)) return value.flatMap((inner) => textsOf(inner, depth + 1));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => (UNREAD.has(key) ? [] : textsOf(inner, depth + 1)));
};

const holds = (value: unknown, test: (value: JsonObject) => boolean, depth = 0): boolean => {
  if (depth > DEEPEST) return false;
  if (Array.isArray(value)) return value.some((inner) => holds(inner, test, depth + 1));
  return isObject(value) && (test(value) || Object.values(value).some((inner) => holds(inner, test, depth + 1)));
};
