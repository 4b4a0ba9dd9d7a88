// Welcomes everybody at their first post.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const post = event['on-post']?.add;
  const effects = [];
  if (post !== undefined) {
    const known = hooks.get_state() ?? {};
    const author = post.essay.author;
    // Our own posts are not welcomed: they would be welcomed for ever.
    if (!known[author] && author !== hooks.bowl.our) {
      known[author] = true;
      hooks.set_state(known);
      effects.push(hooks.effects.post_here(`Welcome, ${author}!`));
    }
  }
  return { event: { allowed: event }, effects };
};
