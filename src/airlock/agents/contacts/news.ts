// What is new about contacts, for those who watch.
import type { Change } from '../../../community/changes/change.ts';
import { type OwnedContact, readNews } from '../../../community/contacts/contact-store.ts';
import { readMeetings } from '../../../community/contacts/met-ships.ts';
import type { Queryable } from '../../../database/database.ts';
import { airlockProfile } from '../../vocabulary/profile.ts';
import type { FactFor, Json, Watcher } from '../agent.ts';

type News = Extract<Change, { readonly kind: 'profile' | 'contacts' }>;
type OfOwner = Extract<Change, { readonly kind: 'contacts' }>;

/** In the order of the changes. Whoever has a page of a ship is told of the page, too. */
export const tellNews = async (
  on: Queryable,
  changes: readonly Change[],
  watchersOf: ReadonlyMap<string, readonly Watcher[]>,
): Promise<readonly FactFor[]> => {
  const news = changes.filter(
    (change): change is News =>
      change.kind === 'profile' || (change.kind === 'contacts' && watchersOf.has(change.owner)),
  );
  if (news.length === 0) return [];
  const ships = news.flatMap((one) => (one.kind === 'profile' ? one.ship : []));
  const asked = news.flatMap((one) =>
    one.kind === 'contacts' && one.news !== 'wipe' ? one.kips.map((kip) => ({ owner: one.owner, kip })) : [],
  );
  const owners = [...watchersOf.keys()];
  const { contacts, profileOf } = await readNews(on, asked, { owners, ships });
  const meetings = Map.groupBy(await readMeetings(on, owners, ships), ({ ship }) => ship);
  const contactOf = new Map(contacts.map((contact) => [`${contact.owner}/${contact.kip}`, contact]));
  const followersOf = Map.groupBy(
    contacts.filter(({ isFollowed }) => isFollowed),
    ({ kip }) => kip,
  );

  const tellAll = (ships: readonly string[], json: Json): FactFor[] => {
    const fact = { mark: 'contact-response-0', json };
    return ships.flatMap((ship) => (watchersOf.get(ship) ?? []).map((watcher) => ({ watcher, fact })));
  };
  const tell = (ship: string, json: Json): FactFor[] => tellAll([ship], json);
  const ofProfile = (who: string): FactFor[] => {
    const contact = airlockProfile(profileOf(who));
    const followers = followersOf.get(who) ?? [];
    const told = [...followers, ...(meetings.get(who) ?? [])].map(({ owner }) => owner);
    return [
      ...tell(who, { self: { contact } }),
      ...tellAll(told, { peer: { who, contact } }),
      ...followers.flatMap((seen) => (seen.isPage ? tell(seen.owner, page(seen)) : [])),
    ];
  };
  const ofOwner = ({ owner, news: what, kips }: OfOwner): FactFor[] =>
    kips.flatMap((kip) => {
      if (what === 'wipe') return tell(owner, { wipe: { kip } });
      const seen = contactOf.get(`${owner}/${kip}`);
      if (what === 'peer') return tell(owner, { peer: { who: kip, contact: airlockProfile(seen?.profile ?? {}) } });
      return seen?.isPage ? tell(owner, page(seen)) : []; // one that is gone is told as such
    });
  return news.flatMap((one) => (one.kind === 'profile' ? ofProfile(one.ship) : ofOwner(one)));
};

const page = ({ kip, profile, overlay }: OwnedContact): Json => ({
  page: { kip, contact: airlockProfile(profile), mod: airlockProfile(overlay) },
});
