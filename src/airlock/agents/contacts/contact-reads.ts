// What a ship reads of profiles and of its book.
import {
  readContact,
  readProfile,
  readWholeBook,
  type SeenContact,
} from '../../../community/contacts/contact-store.ts';
import { readMeetings, readProfilesOfMet } from '../../../community/contacts/met-ships.ts';
import { normalizeShip } from '../../../community/schema/ship.ts';
import type { Contact } from '../../../community/types/chat.ts';
import type { Queryable } from '../../../database/database.ts';
import { airlockProfile, olderProfile } from '../../vocabulary/profile.ts';
import type { Agent, Json } from '../agent.ts';

const ONE = /^(?:\/v1\/(book|contact|peer)|\/(contact))\/([^/]{1,80})$/;

const NOT_IN_THE_BOOK = { overlay: {}, isPage: false, isFollowed: false };

export const createContactReads = (on: Queryable): Required<Agent>['scry'] => {
  const peers = async (ship: string, read: (contact: SeenContact) => Json): Promise<Json> => {
    const profile = await readProfile(on, ship);
    const ships = (await readWholeBook(on, ship)).filter(({ kip }) => kip.startsWith('~'));
    const own = ships.find(({ kip }) => kip === ship) ?? { ...NOT_IN_THE_BOOK, kip: ship };
    const met = (await readProfilesOfMet(on, ship)).map((one) => ({
      ...{ ...NOT_IN_THE_BOOK, kip: one.ship, profile: one.profile },
    }));
    return Object.fromEntries([...met, ...ships, { ...own, profile }].map((contact) => [contact.kip, read(contact)]));
  };
  const book = async (ship: string): Promise<Json> =>
    Object.fromEntries(
      (await readWholeBook(on, ship)).flatMap((contact) => (contact.isPage ? [[contact.kip, entry(contact)]] : [])),
    );
  const one = async (path: string, ship: string): Promise<Json | undefined> => {
    const [, what, older, name = ''] = ONE.exec(path) ?? [];
    const kip = name.startsWith('0v') ? name : normalizeShip(name);
    if (kip === null) return undefined;
    const isOwn = kip === ship && what !== 'book';
    const known = isOwn ? undefined : await readContact(on, ship, kip);
    const isShown = isOwn || (known === undefined && (await readMeetings(on, [ship], [kip])).length > 0);
    const seen = isShown ? { ...NOT_IN_THE_BOOK, profile: await readProfile(on, kip) } : known;
    if (seen === undefined) return undefined;
    if (older) return olderProfile(merged(seen));
    if (what === 'book') return seen.isPage ? entry(seen) : undefined;
    return airlockProfile(what === 'peer' ? seen.profile : merged(seen));
  };

  return async (path, ship) => {
    if (path === '/all') return peers(ship, (contact) => (isKnown(contact) ? olderProfile(merged(contact)) : null));
    if (path === '/v1/all') return peers(ship, (contact) => airlockProfile(merged(contact)));
    if (path === '/v1/directory') return peers(ship, directoryEntry);
    if (path === '/v1/self') return airlockProfile(await readProfile(on, ship));
    return path === '/v1/book' ? book(ship) : one(path, ship);
  };
};

type Seen = Pick<SeenContact, 'profile' | 'overlay'>;

const merged = ({ profile, overlay }: Seen): Contact => ({ ...profile, ...overlay });

const isKnown = (contact: Seen): boolean => Object.keys(merged(contact)).length > 0;

const entry = ({ profile, overlay }: Seen): Json => [airlockProfile(profile), airlockProfile(overlay)];

const directoryEntry = ({ profile, overlay, isPage }: SeenContact): Json => ({
  isContact: isPage,
  contact: airlockProfile(profile),
  mod: airlockProfile(overlay),
});
