// One post a day for each member. Days are counted in UTC.
const hooks = require('tlon_hooks');

const DAY = 24 * 60 * 60 * 1000;

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const post = event['on-post']?.add;
  if (post === undefined) return { event: { allowed: event } };
  const author = post.essay.author;
  const today = Math.floor(Date.now() / DAY);
  const lastDays = hooks.get_state() ?? {};
  if (lastDays[author] === today) return { event: { denied: 'One post a day: come back tomorrow' } };
  lastDays[author] = today;
  hooks.set_state(lastDays);
  return { event: { allowed: event } };
};
