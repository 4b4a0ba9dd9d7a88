// Confirms every post with a reaction, a while later. Config: {"seconds": 60, "emoji": ":white_check_mark:"}.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const { seconds = 60, emoji = ':white_check_mark:' } = hooks.bowl.config;
  const { nest, our } = hooks.bowl;
  const effects = [];
  const post = event['on-post']?.add;
  if (post !== undefined) {
    // The id of the post names the wake-up as well: each post has one of its own.
    effects.push({ wait: { id: post.seal.id, data: post.seal.id, 'fires-at': Date.now() + seconds * 1000 } });
  }
  if (typeof event.wake?.data === 'string' && nest !== null) {
    const action = { post: { 'add-react': { id: event.wake.data, ship: our, react: emoji } } };
    effects.push({ channels: { channel: { nest, action } } });
  }
  return { event: { allowed: event }, effects };
};
