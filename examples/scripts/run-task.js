// "!run clean the pond" fires a task hook with the words as its payload, and the script says so.
// Config: {"hookGroupId": "garden", "hookId": "clean"}. The role hook-id:scripts/<name of this script> must be allowed to.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const { hookGroupId = 'garden', hookId = 'clean' } = hooks.bowl.config;
  const post = event['on-post']?.add;
  const effects = [];
  const said = (post?.essay.content ?? [])
    .flatMap((verse) => verse.inline ?? [])
    .filter((one) => typeof one === 'string');
  const asked = /^!run (.+)/.exec(said.join(' '));
  if (post !== undefined && asked !== null) {
    effects.push({ trigger: { hookGroupId, hookId, payload: { what: asked[1], by: post.essay.author } } });
    effects.push(hooks.effects.post_here(`${post.essay.author} asked for: ${asked[1]}`));
  }
  return { event: { allowed: event }, effects };
};
