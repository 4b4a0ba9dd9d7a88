// Copies every post to another channel, with the name of its author. Config: {"to": "chat/~zod/archive"}.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const { to } = hooks.bowl.config;
  const post = event['on-post']?.add;
  /** @type {import("tlon_hooks").Effect[]} */
  const effects = [];
  // Two channels that forward to each other would do so until the depth of effects ends it.
  if (post !== undefined && typeof to === 'string' && to !== hooks.bowl.nest && hooks.bowl.src !== hooks.bowl.our) {
    const content = [{ inline: [{ bold: [`${post.essay.author} in ${hooks.bowl.nest}:`] }] }, ...post.essay.content];
    const essay = { content, author: hooks.bowl.our, sent: post.essay.sent, 'kind-data': { chat: null } };
    effects.push({ channels: { channel: { nest: to, action: { post: { add: essay } } } } });
  }
  return { event: { allowed: event }, effects };
};
