// Every post and reply appears under one name.
const hooks = require('tlon_hooks');

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const nobody = hooks.bowl.config.name ?? hooks.bowl.our;
  const message = event['on-post']?.add?.essay ?? event['on-post']?.edit?.essay ?? event['on-reply']?.add?.reply;
  if (message !== undefined) message.author = nobody;
  return { event: { allowed: event } };
};
