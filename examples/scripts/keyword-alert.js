// Sends a direct message to somebody when a word is said. Config: {"tell": "~zod", "word": "urgent"}.
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
  const { tell = hooks.bowl.our, word = 'urgent' } = hooks.bowl.config;
  const essay = event['on-post']?.add?.essay ?? event['on-reply']?.add?.reply;
  const effects = [];
  if (essay !== undefined && textOf(essay.content).toLowerCase().includes(word)) {
    effects.push(hooks.effects.send_dm(tell, `${essay.author} said "${word}" in ${hooks.bowl.nest}`));
  }
  return { event: { allowed: event }, effects };
};
