// "!remind 10 water the plants" says it again after ten minutes.
const hooks = require('tlon_hooks');

const MINUTE = 60 * 1000;

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const effects = [];
  const post = event['on-post']?.add;
  if (post !== undefined) {
    const said = post.essay.content.flatMap((verse) => verse.inline ?? []).filter((piece) => typeof piece === 'string');
    const asked = /^!remind (\d{1,5}) (.+)/.exec(said.join(' '));
    if (asked !== null) {
      const data = { who: post.essay.author, text: asked[2] };
      effects.push({ wait: { id: post.seal.id, data, 'fires-at': Date.now() + Number(asked[1]) * MINUTE } });
    }
  }
  if (event.wake !== undefined) {
    const { who = 'everybody', text } = event.wake.data;
    effects.push(hooks.effects.post_here(`${who}: ${text}`));
  }
  return { event: { allowed: event }, effects };
};
