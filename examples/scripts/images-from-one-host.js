// Only images from one host, in posts and in replies. Set the host in the hook's config: {"host": "images.example.org"}.
const hooks = require('tlon_hooks');

const host = hooks.bowl.config.host ?? 'images.example.org';

/** @param {import("tlon_hooks").Verse} verse */
const isForeign = ({ block }) => block?.image !== undefined && !block.image.src.startsWith(`https://${host}/`);

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const content =
    event['on-post']?.add?.essay.content ??
    event['on-post']?.edit?.essay.content ??
    event['on-reply']?.add?.reply.content ??
    event['on-reply']?.edit?.memo.content ??
    [];
  if (content.some(isForeign)) return { event: { denied: `Only images from ${host}, please` } };
  return { event: { allowed: event } };
};
