// The agent of profiles and contact books.
import { readProfile } from '../../../community/contacts/contact-store.ts';
import type { Queryable } from '../../../database/database.ts';
import { isObject, type JsonObject } from '../../vocabulary/json.ts';
import { communityProfile, olderEdit } from '../../vocabulary/profile.ts';
import type { ActAs } from '../acting.ts';
import { type Agent, type Json, refuse } from '../agent.ts';
import { createContactReads } from './contact-reads.ts';
import { tellNews } from './news.ts';

const NEWS = '/v1/news';

type ContactsSettings = { readonly database: Queryable; readonly actAs: ActAs };

export const createContacts = ({ database, actAs }: ContactsSettings): Agent => ({
  name: 'contacts',
  scry: createContactReads(database),
  poke: async (mark, json, ship) => {
    const isOlder = mark === 'contact-action' || mark === 'contact-action-0';
    if (!isOlder && mark !== 'contact-action-1') return undefined;
    if (!isObject(json)) return refuse('An action on contacts is an object.');
    if (isOlder && 'edit' in json) {
      const self = olderEdit(json.edit, await readProfile(database, ship));
      return self ? actAs({ contacts: { self } }, ship) : refuse('The edit is no list of changes of a profile.');
    }
    return actAs({ contacts: isOlder && 'heed' in json ? { meet: json.heed } : action(json) }, ship);
  },
  factsOf: async (changes, watchers) => {
    const ours = watchers.filter(({ path }) => path === NEWS);
    const watchersOf = Map.groupBy(ours, ({ ship }) => ship);
    return ours.length === 0 ? [] : tellNews(database, changes, watchersOf);
  },
});

/** As the community knows it; what it is not is for the decoder to say. */
const action = (json: JsonObject): Json => {
  if ('self' in json) return { self: communityProfile(json.self) };
  if ('wipe' in json) return { wipe: Array.isArray(json.wipe) ? json.wipe.map(communityKip) : json.wipe };
  for (const what of ['page', 'edit']) {
    const page = json[what];
    if (isObject(page)) return { [what]: { kip: communityKip(page.kip), contact: communityProfile(page.contact) } };
  }
  return json;
};

const communityKip = (kip: unknown): unknown => {
  if (typeof kip !== 'string') return kip;
  return kip.startsWith('0v') ? { id: kip } : { ship: kip };
};
