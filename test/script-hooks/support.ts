// What the tests of script hooks share: an event of every kind, surroundings, and a sandbox per
// test file.
import { readdirSync, readFileSync } from 'node:fs';
import type { Bowl, Event, Group } from '../../src/script-hooks/index.ts';

const FOLDER = new URL('../../examples/events/', import.meta.url);

export const eventNames = (): string[] =>
  readdirSync(FOLDER)
    .map((file) => file.replace(/\.json$/, ''))
    .sort();

/** A fresh copy of examples/events/NAME.json. */
export const eventNamed = (name: string): Event => JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'));

export const NOW = 1743465600000;

const meta = { title: '', description: '', image: '', cover: '' };

export const group: { flag: string } & Group = {
  flag: '~zod/club',
  fleet: { '~zod': { sects: ['admin'], joined: NOW }, '~nec': { sects: [], joined: 0 } },
  cabals: { admin: { meta } },
  zones: { default: { meta, idx: ['chat/~zod/lounge'] } },
  'zone-ord': ['default'],
  channels: { 'chat/~zod/lounge': { meta, added: NOW, zone: 'default', join: true, readers: [] } },
  'active-channels': ['chat/~zod/lounge'],
  bloc: ['admin'],
  cordon: { open: { ships: [], ranks: [] } },
  meta,
  secret: false,
  'flagged-content': {},
};

export const bowl: Bowl = {
  our: '~zod',
  src: '~sampel-palnet',
  now: NOW,
  state: null,
  config: {},
  hook: { id: '0v2.v7ae1', name: 'test' },
  channel: { nest: 'chat/~zod/lounge', posts: [] },
  group,
};

/**
 * A hook whose body is `code`, with `hooks` and `event` at hand; it allows the event unless it
 * returns something.
 */
export const scriptOf = (code: string): string =>
  `const hooks = require("tlon_hooks");
module.exports = (event) => {
const effects = [];
const result = (() => { ${code} })();
return result === undefined ? {event: {allowed: event}, effects} : result;
}`;
