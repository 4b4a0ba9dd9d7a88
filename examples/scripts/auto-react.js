// Reacts to every post that says a word. Config: {"word": "hello", "emoji": ":wave:"}.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const { word = 'this is it', emoji = ':wave:' } = hooks.bowl.config;
  const post = event['on-post']?.add;
  const effects = [];
  if (post !== undefined && JSON.stringify(post.essay.content).toLowerCase().includes(word)) {
    const { nest, our } = hooks.bowl;
    const action = { post: { 'add-react': { id: post.seal.id, ship: our, react: emoji } } };
    effects.push({ channels: { channel: { nest, action } } });
  }
  return { event: { allowed: event }, effects };
};
