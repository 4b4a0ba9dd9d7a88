// Whom a ship may want in its book: those that the community knows of, and those that its clients
// name; without those that it does not want to see.
import { suggestedContacts } from '../../../community/contacts/suggested-contacts.ts';
import { decoder } from '../../../community/schema/decode.ts';
import { Ship, SomeShips } from '../../../community/schema/scalars.ts';
import type { Queryable } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';

export const decodeShip = decoder(Ship);
export const decodeShips = decoder(SomeShips);

/** What a ship may note; more is not kept. */
const MOST_NOTED = 1_000;

const noted = statement<{ ship: string; is_hidden: boolean }>(
  'suggestions.noted',
  `select ship, is_hidden from contact_suggestions s
   where owner = $1 and (is_hidden or not exists (
     select from contact_pages p where p.owner = $1 and p.kip = s.ship and p.is_page)) order by ship`,
);
const note = statement(
  'suggestions.note',
  `insert into contact_suggestions (owner, ship, is_hidden) select $1, unnest($2::text[]), $3
   where (select count(*) from contact_suggestions where owner = $1) < ${MOST_NOTED}
   on conflict (owner, ship) do update set is_hidden = excluded.is_hidden`,
);

export const readSuggestions = async (from: Queryable, ship: string): Promise<readonly string[]> => {
  const known = await from.query(noted, [ship]);
  const hidden = new Set(known.flatMap((row) => (row.is_hidden ? [row.ship] : [])));
  const added = known.flatMap((row) => (row.is_hidden ? [] : [row.ship]));
  return [...new Set([...added, ...(await suggestedContacts(from, ship))])].filter((one) => !hidden.has(one));
};

export const noteSuggestions = (on: Queryable, ship: string, ships: readonly string[], isHidden: boolean) =>
  on.query(note, [ship, [...new Set(ships)].filter((one) => one !== ship).slice(0, MOST_NOTED), isHidden]);
