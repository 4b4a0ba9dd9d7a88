// Tells a member by direct message when somebody reacts to what that member wrote. Config: {"for": "~sampel-palnet"}.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const reaction = event['on-post']?.react ?? event['on-reply']?.react;
  const effects = [];
  // `react` is null when a reaction is taken back.
  if (reaction !== undefined && reaction.react !== null) {
    const author = hooks.ship_normalize(
      event['on-reply']?.react?.reply.author ?? event['on-post']?.react?.post.essay.author,
    );
    if (author === (hooks.bowl.config.for ?? hooks.bowl.our)) {
      effects.push(hooks.effects.send_dm(author, `${reaction.ship} reacted with ${reaction.react}`));
    }
  }
  return { event: { allowed: event }, effects };
};
