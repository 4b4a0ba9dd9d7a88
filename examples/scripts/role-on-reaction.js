// The host gives a role by reacting to somebody's post or reply with an emoji. Config: {"emoji": ":star:", "role": "star"}.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const { emoji = ':star:', role = 'star' } = hooks.bowl.config;
  const reaction = event['on-post']?.react ?? event['on-reply']?.react;
  const effects = [];
  if (reaction !== undefined && reaction.react === emoji && hooks.bowl.src === hooks.bowl.our) {
    const author = event['on-reply']?.react?.reply.author ?? event['on-post']?.react?.post.essay.author ?? null;
    if (!hooks.get_roles(author).includes(role)) effects.push(hooks.effects.give_role(author, role));
  }
  return { event: { allowed: event }, effects };
};
