// So many seconds between two posts or replies of the same member. Config: {"seconds": 30}.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const author = event['on-post']?.add?.essay.author ?? event['on-reply']?.add?.reply.author;
  if (author === undefined) return { event: { allowed: event } };
  const wait = (hooks.bowl.config.seconds ?? 30) * 1000;
  const now = Date.now();
  const times = hooks.get_state() ?? {};
  const left = Math.ceil(((times[author] ?? 0) + wait - now) / 1000);
  if (left > 0) return { event: { denied: `Slow mode: wait ${left} s` } };
  // Forget who is free again, so that the state stays small.
  for (const ship of Object.keys(times)) if (times[ship] + wait <= now) delete times[ship];
  times[author] = now;
  hooks.set_state(times);
  return { event: { allowed: event } };
};
