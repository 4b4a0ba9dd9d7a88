// The hooks of this run, and the community that they live in.
import { Community, ScriptHooks } from '../../../client/index.ts';
import type { RootCredentials } from '../../support/server.ts';

export const [HOST, NEC, FES] = ['~zod', '~nec', '~fes'] as const;
export const FLAG = `${HOST}/chaos`;
export const NESTS = [`chat/${HOST}/left`, `chat/${HOST}/right`] as const;

export const clientsOf = ({ rootUrl, clientId, accessToken }: RootCredentials) => {
  const options = { rootUrl, credentials: { clientId, accessToken }, retries: 0 };
  return { community: new Community(options), scripts: new ScriptHooks(options) };
};

/** Posts and replies are marked with `m…`; those of the host come from hooks. */
const MARK = `
const textOf = (content) => content.flatMap((verse) => verse.inline ?? []).filter((one) => typeof one === 'string').join('');
const marked = (event) => {
  const post = event['on-post']?.add?.essay ?? event['on-reply']?.add?.reply;
  return post === undefined || post.author === '${HOST}' ? undefined : textOf(post.content);
};`;

/** Remembers every mark that it sees. */
const COUNTS = `${MARK}
const { get_state, set_state } = require('tlon_hooks');
module.exports = (event) => {
  const mark = marked(event);
  if (mark !== undefined) set_state([...(get_state() ?? []), mark]);
  return { event: { allowed: event }, effects: [] };
};`;

/** Does what the mark says: e an echo, w an echo that comes by a wake-up, d a denial. */
const ACTS = `${MARK}
const { effects } = require('tlon_hooks');
module.exports = (event) => {
  const allowed = (list = []) => ({ event: { allowed: event }, effects: list });
  if (event.wake) return allowed([effects.post_here('woke ' + event.wake.data)]);
  const mark = marked(event);
  if (mark === undefined) return allowed();
  if (mark.endsWith('d')) return { event: { denied: 'no ' + mark }, effects: [] };
  if (mark.endsWith('e')) return allowed([effects.post_here('echo ' + mark), effects.post_here('again ' + mark)]);
  if (!mark.endsWith('w')) return allowed();
  return allowed([{ wait: { id: mark.replace(/[^0-9]/g, ''), hook: null, data: mark, 'fires-at': Date.now() + 100 } }]);
};`;

/** Notes each second that it ran. */
const TICKS = `
const { get_state, set_state } = require('tlon_hooks');
module.exports = (event) => {
  set_state([...(get_state() ?? []), Date.now()]);
  return { event: { allowed: event }, effects: [] };
};`;

const meta = (title: string) => ({ title, description: '', image: '', cover: '' });
const GROUP = {
  fleet: {},
  cabals: {},
  zones: {},
  'zone-ord': [],
  channels: {},
  'active-channels': [],
  bloc: ['admin'],
  cordon: { open: { ships: [], ranks: [] } },
  meta: meta('Chaos'),
  secret: false,
  'flagged-content': {},
};

/** Both hooks on both channels, in opposite orders; a third one ticks. */
export const makeCommunity = async (credentials: RootCredentials): Promise<void> => {
  const { community, scripts } = clientsOf(credentials);
  // biome-ignore lint/suspicious/noExplicitAny: the types of actions are generated as one large union.
  const act = (ship: string, action: any) => community.act(ship, action);
  await act(HOST, { groups: { flag: FLAG, update: { diff: { create: GROUP } } } });
  for (const ship of [NEC, FES]) {
    await community.addShip(ship);
    await act(ship, { groups: { flag: FLAG, update: { diff: { fleet: { ships: [ship], diff: { add: null } } } } } });
  }
  for (const nest of NESTS) {
    const [kind, , name] = nest.split('/');
    const words = { title: '', description: '', readers: [], writers: [] };
    await act(HOST, { channels: { create: { kind, name, group: FLAG, ...words } } });
  }
  const add = async (name: string, src: string) => (await scripts.act({ add: { name, src } })).set?.id ?? '';
  const [counts, acts, ticks] = [await add('counts', COUNTS), await add('acts', ACTS), await add('ticks', TICKS)];
  await scripts.act({ order: { nest: NESTS[0], seq: [counts, acts] } });
  await scripts.act({ order: { nest: NESTS[1], seq: [acts, counts] } });
  await scripts.act({ cron: { id: ticks, origin: null, schedule: '~s1' } });
};
