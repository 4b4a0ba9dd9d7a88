// Whom a ship meets in its groups and conversations, without having them in its book.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Contact } from '../types/chat.ts';

/** Members of clubs, and of groups: a ship may be in groups of thousands. */
const MOST_LOOKED_AT = 20_000;
const MOST_MET = 2_000;
/** Bytes of profiles that are read at once. */
const LARGEST_MET = 1024 * 1024;

const OF_CLUBS = `from chats own join chats others using (whom)
   where own.club is not null and others.club is not null and own.owner`;
const OF_GROUPS = 'from group_members own join group_members others using (flag) where own.ship';
const IS_NEW = 'not exists (select from contact_pages where owner = met.owner and kip = met.ship)';

// Among those of the same distance short profiles are first, so that nobody crowds out the others.
const profilesOfMet = statement<{ ship: string; profile: Contact }>(
  'contacts.met',
  `with pairs as (
     select owner, whom as ship, 0 as distance from chats where owner = $1 and club is null
     union all
     (select own.owner, others.owner, 0 ${OF_CLUBS} = $1 limit ${MOST_LOOKED_AT})
     union all
     (select own.ship, others.ship, 1 ${OF_GROUPS} = $1
      and exists (select from profiles where ship = others.ship) limit ${MOST_LOOKED_AT}))
   select ship, profile from (
     select ship, profile, sum(octet_length(profile::text) + 100)
       over (order by distance, octet_length(profile::text), ship) as bytes
     from (select owner, ship, min(distance) as distance from pairs where ship <> $1 group by owner, ship) as met
     join profiles using (ship) where profile::text <> '{}' and ${IS_NEW}) as measured
   where bytes <= ${LARGEST_MET} order by bytes limit ${MOST_MET}`,
);

/** The profiles of those whom a ship meets: 2,000, and 1 MB of them. */
export const readProfilesOfMet = (on: Queryable, ship: string): Promise<{ ship: string; profile: Contact }[]> =>
  on.query(profilesOfMet, [ship]);

type Meeting = { readonly owner: string; readonly ship: string };

const meetings = statement<Meeting>(
  'contacts.meetings',
  `select owner, ship from (
     select owner, whom as ship from chats where owner = any($1) and whom = any($2)
     union
     select own.owner, others.owner ${OF_CLUBS} = any($1) and others.owner = any($2)
     union
     select own.ship, others.ship ${OF_GROUPS} = any($1) and others.ship = any($2)) as met
   where owner <> ship and ${IS_NEW}`,
);

/** Which of these owners meet which of these ships. */
export const readMeetings = async (
  on: Queryable,
  owners: readonly string[],
  ships: readonly string[],
): Promise<readonly Meeting[]> => (ships.length === 0 ? [] : on.query(meetings, [owners, ships]));
