// Deletes posts that are older than so many days. Give it a cron. Config: {"days": 30}.
const hooks = require('tlon_hooks');

const DAY = 24 * 60 * 60 * 1000;
const AT_MOST = 100;

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const effects = [];
  if ('cron' in event) {
    const oldest = Date.now() - (hooks.bowl.config.days ?? 30) * DAY;
    const nest = hooks.bowl.nest;
    // Oldest first: the first one that is young enough ends it, and the others are never fetched.
    for (const post of hooks.get_chat_messages_here()) {
      if (post.essay.sent >= oldest || effects.length === AT_MOST) break;
      effects.push({ channels: { channel: { nest, action: { post: { del: post.seal.id } } } } });
    }
  }
  return { event: { allowed: event }, effects };
};
