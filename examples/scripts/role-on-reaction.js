// The host gives a role by reacting to somebody's post or reply with an emoji. Config: {"emoji": ":star:", "role": "star"}.
const hooks = require('tlon_hooks');

module.exports = (event) => {
  const { emoji = ':star:', role = 'star' } = hooks.bowl.config;
  const reaction = event['on-post']?.react ?? event['on-reply']?.react;
  const effects = [];
  if (reaction !== undefined && reaction.react === emoji && hooks.bowl.src === hooks.bowl.our) {
    const author = reaction.reply?.author ?? reaction.post?.essay.author;
    if (!hooks.get_roles(author).includes(role)) effects.push(hooks.effects.give_role(author, role));
  }
  return { event: { allowed: event }, effects };
};
