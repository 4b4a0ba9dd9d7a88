// Every post disappears after a day. Config: {"hours": 24}.
const hooks = require('tlon_hooks');

const HOUR = 60 * 60 * 1000;

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const { nest } = hooks.bowl;
  const effects = [];
  const post = event['on-post']?.add;
  if (post !== undefined) {
    const time = Date.now() + (hooks.bowl.config.hours ?? 24) * HOUR;
    effects.push({ wait: { id: post.seal.id, data: { del: post.seal.id }, 'fires-at': time } });
  }
  if (event.wake?.data.del !== undefined && nest !== null) {
    effects.push({ channels: { channel: { nest, action: { post: { del: event.wake.data.del } } } } });
  }
  return { event: { allowed: event }, effects };
};
