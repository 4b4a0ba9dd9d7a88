// Denies posts and replies with words from a list. Config: {"words": ["casino", "hello"]}.
const hooks = require('tlon_hooks');

/**
 * The plain text of a story, with a space between its pieces.
 * @type {(value: any) => string}
 */
const textOf = (value) => {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join(' ');
  if (value === null || typeof value !== 'object') return '';
  return Object.entries(value)
    .filter(([key]) => key !== 'href' && key !== 'src')
    .map(([, inner]) => textOf(inner))
    .join(' ');
};

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const { words = ['casino'] } = hooks.bowl.config;
  const content =
    event['on-post']?.add?.essay.content ??
    event['on-post']?.edit?.essay.content ??
    event['on-reply']?.add?.reply.content ??
    event['on-reply']?.edit?.memo.content;
  if (content === undefined) return { event: { allowed: event } };
  const said = textOf(content).toLowerCase();
  const found = words.find((word) => said.includes(word.toLowerCase()));
  if (found !== undefined) return { event: { denied: `"${found}" is not said here` } };
  return { event: { allowed: event } };
};
