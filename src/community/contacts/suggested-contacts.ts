// Whom a ship may want in its book: those that it meets in its groups and conversations.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';

const MOST_SUGGESTED = 50;
/** Members that are looked at: a ship may be in groups of thousands. */
const MOST_LOOKED_AT = 20_000;

const suggest = statement<{ ship: string }>(
  'contacts.suggested',
  `with met as (
     select whom as ship, 1000 as weight from chats where owner = $1 and club is null and state <> 'invited'
     union all
     (select others.ship, 1 from group_members own join group_members others using (flag)
      where own.ship = $1 limit ${MOST_LOOKED_AT}))
   select ship from met
   where ship <> $1 and not exists (select from contact_pages where owner = $1 and kip = ship and is_page)
   group by ship order by sum(weight) desc, ship limit ${MOST_SUGGESTED}`,
);

/** Those in conversations first, then those of the most shared groups. */
export const suggestedContacts = async (on: Queryable, ship: string): Promise<readonly string[]> =>
  (await on.query(suggest, [ship])).map((row) => row.ship);
