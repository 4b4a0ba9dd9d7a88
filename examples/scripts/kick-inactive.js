// Removes members that have posted once and then nothing for so many days. Who never posted stays. Give it a daily cron.
// Config, for the channel and for the cron: {"days": 30}.
const hooks = require('tlon_hooks');

const DAY = 24 * 60 * 60 * 1000;

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const lastPosts = hooks.get_state() ?? {};
  const effects = [];
  const author = event['on-post']?.add?.essay.author ?? event['on-reply']?.add?.reply.author;
  if (author !== undefined) lastPosts[author] = Date.now();
  if ('cron' in event) {
    const oldest = Date.now() - (hooks.bowl.config.days ?? 30) * DAY;
    for (const member of hooks.get_members_here()) {
      if (member === hooks.bowl.our || !(lastPosts[member] < oldest)) continue;
      effects.push(hooks.effects.kick_user(member));
      delete lastPosts[member];
    }
  }
  hooks.set_state(lastPosts);
  return { event: { allowed: event }, effects };
};
