// What the script hooks' bench runs: three scripts, and events of three sizes.
import type { Bowl, Event, VPost } from '../../src/script-hooks/index.ts';

const verse = (n: number) => ({
  inline: [
    `some words of paragraph ${n}, not very many of them, `,
    { bold: ['and some in bold'] },
    { ship: '~sampel-palnet' },
    { link: { href: `https://example.org/${n}`, content: 'a page about it' } },
    ` and then some more to make it as long as people write.`,
  ],
});

const postOf = (verses: number): VPost => ({
  seal: {
    id: '170141184507313431682019536779450777600',
    replies: {},
    reacts: { '~nec': { revision: '0', react: ':heart:' } },
  },
  revision: '0',
  essay: {
    content: Array.from({ length: verses }, (_, n) => verse(n)),
    author: '~sampel-palnet',
    sent: 1743465600000,
    'kind-data': { chat: null },
  },
});

const eventOf = (bytes: number): Event => {
  let verses = 1;
  while (JSON.stringify(postOf(verses)).length < bytes) verses++;
  return { 'on-post': { add: postOf(verses) } };
};

export const EVENTS: Readonly<Record<string, Event>> = {
  '2 KB': eventOf(2_000),
  '7 KB': eventOf(7_000),
  '20 KB': eventOf(20_000),
};

const state = Object.fromEntries(
  Array.from({ length: 150 }, (_, n) => [`~ship-${n}`, { last: 1743465600000 - n, count: n }]),
);

export const bowl: Bowl = {
  our: '~zod',
  src: '~sampel-palnet',
  now: 1743465600000,
  state,
  config: {},
  hook: { id: '0v1', name: 'bench' },
  channel: { nest: 'chat/~zod/lounge', posts: [] },
  group: { flag: '~zod/club', fleet: { '~zod': { sects: ['admin'], joined: 0 } } },
};

export const SCRIPTS: Readonly<Record<'trivial' | 'filter' | 'limiter', string>> = {
  trivial: `const hooks = require("tlon_hooks");
module.exports = (event) => ({event: {allowed: event}, effects: []});`,
  filter: `const hooks = require("tlon_hooks");
const words = /casino|lottery|free money/i;
const says = (inline) => typeof inline === "string" ? words.test(inline)
  : inline.bold ? inline.bold.some(says) : inline.link ? words.test(inline.link.content) || inline.link.href.includes("evil") : false;
module.exports = (event) => {
  const post = event["on-post"].add;
  const bad = post.essay.content.slice(0, 30).some((verse) => verse.inline && verse.inline.some(says));
  return {event: bad ? {denied: "no"} : {allowed: event}, effects: []};
};`,
  limiter: `const hooks = require("tlon_hooks");
module.exports = (event) => {
  const post = event["on-post"].add;
  const state = hooks.get_state();
  const author = hooks.ship_normalize(post.essay.author);
  const known = state[author] || {last: 0, count: 0};
  if (Date.now() - known.last < 0) return {event: {denied: "slow down"}, effects: []};
  state[author] = {last: Date.now(), count: known.count + 1};
  hooks.set_state(state);
  return {event: {allowed: event}, effects: []};
};`,
};

export const postsOf = (bytes: number): VPost[] => {
  const post = postOf(3);
  const count = Math.ceil(bytes / JSON.stringify(post).length);
  return Array.from({ length: count }, (_, n) => ({ ...post, seal: { ...post.seal, id: String(n) } }));
};
