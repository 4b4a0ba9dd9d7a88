// Profiles of ships, and what ships keep about others, in the database.
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Contact } from '../types/chat.ts';

/** What an owner keeps under a key: `~ship`, or the id of a page without one. */
export type ContactRow = {
  readonly kip: string;
  readonly is_page: boolean;
  readonly is_followed: boolean;
  /** The profile as it was when following ended. */
  readonly kept: Contact | null;
  readonly overlay: Contact;
};

const findProfile = statement<{ profile: Contact }>('profiles.find', 'select profile from profiles where ship = $1');
const putProfile = statement(
  'profiles.put',
  'insert into profiles (ship, profile) values ($1, $2) on conflict (ship) do update set profile = excluded.profile',
);
const COLUMNS = 'kip, is_page, is_followed, kept, overlay';
const findRows = statement<ContactRow>(
  'contacts.find',
  `select ${COLUMNS} from contact_pages where owner = $1 and kip = any($2)`,
);
const countRows = statement<{ count: number }>(
  'contacts.count',
  'select count(*)::int as count from contact_pages where owner = $1',
);
const putRow = statement(
  'contacts.put',
  `insert into contact_pages (owner, kip, is_page, is_followed, kept, overlay) values ($1, $2, $3, $4, $5, $6)
   on conflict (owner, kip) do update set is_page = excluded.is_page, is_followed = excluded.is_followed,
     kept = excluded.kept, overlay = excluded.overlay`,
);
const deleteRow = statement('contacts.delete', 'delete from contact_pages where owner = $1 and kip = $2');

export const readProfile = async (on: Queryable, ship: string): Promise<Contact> =>
  (await on.query(findProfile, [ship]))[0]?.profile ?? {};

export const storeProfile = async (tx: Transaction, ship: string, profile: Contact): Promise<void> =>
  void (await tx.query(putProfile, [ship, JSON.stringify(profile)]));

/** By key. */
export const readContacts = async (
  tx: Transaction,
  owner: string,
  kips: readonly string[],
): Promise<ReadonlyMap<string, ContactRow>> =>
  new Map((await tx.query(findRows, [owner, kips])).map((row) => [row.kip, row]));

export const countContacts = async (tx: Transaction, owner: string): Promise<number> =>
  (await tx.query(countRows, [owner]))[0]?.count ?? 0;

/** A row that says nothing is none. */
export const storeContact = async (tx: Transaction, owner: string, row: ContactRow): Promise<void> => {
  const { kip, is_page, is_followed, kept, overlay } = row;
  if (!is_page && !is_followed && kept === null) return void (await tx.query(deleteRow, [owner, kip]));
  await tx.query(putRow, [owner, kip, is_page, is_followed, kept && JSON.stringify(kept), JSON.stringify(overlay)]);
};

type SeenRow = ContactRow & { readonly profile: Contact | null };
const SEEN = `select ${COLUMNS}, case when is_followed then p.profile else kept end as profile
   from contact_pages c left join profiles p on p.ship = c.kip`;
const findSeen = statement<SeenRow>('contacts.seen', `${SEEN} where owner = $1 and kip = $2`);
const listSeen = statement<SeenRow>(
  'contacts.book',
  `${SEEN} where owner = $1 and kip > $2 and (is_page or not $4) order by kip limit $3`,
);

/** Somebody as an owner sees them. */
export type SeenContact = {
  readonly kip: string;
  /** What they say of themselves, or said when following them ended. */
  readonly profile: Contact;
  /** What the owner keeps about them. */
  readonly overlay: Contact;
  /** Whether it is a page of the book. */
  readonly isPage: boolean;
  readonly isFollowed: boolean;
};

const seen = ({ kip, profile, overlay, is_page, is_followed }: SeenRow): SeenContact => ({
  ...{ kip, profile: profile ?? {}, overlay, isPage: is_page, isFollowed: is_followed },
});

/** undefined: the owner has never met them. */
export const readContact = async (on: Queryable, owner: string, kip: string): Promise<SeenContact | undefined> => {
  const [row] = await on.query(findSeen, [owner, kip]);
  return row && seen(row);
};

export const LONGEST_BOOK_PAGE = 100;

export type BookPage = {
  readonly after: string;
  readonly limit: number;
  /** Only pages of the book; otherwise also those who were only met. */
  readonly pagesOnly: boolean;
};

/** In the order of their keys, from the first one after `after`. */
export const readBook = async (on: Queryable, owner: string, page: BookPage): Promise<readonly SeenContact[]> => {
  const limit = Math.min(page.limit, LONGEST_BOOK_PAGE);
  return (await on.query(listSeen, [owner, page.after, limit, page.pagesOnly])).map(seen);
};

/** Bytes of what is read of a whole book. */
const LARGEST_BOOK = 4 * 1024 * 1024;

const wholeBook = statement<SeenRow>(
  'contacts.whole-book',
  `select ${COLUMNS}, profile from (
     select *, sum(octet_length(overlay::text) + coalesce(octet_length(profile::text), 0) + 100) over (order by kip) as bytes
     from (${SEEN} where owner = $1) as book) as measured
   where bytes <= ${LARGEST_BOOK} order by kip`,
);

/** Everybody whom an owner has met or has a page of, in the order of their keys: 4 MB of them. */
export const readWholeBook = async (on: Queryable, owner: string): Promise<readonly SeenContact[]> =>
  (await on.query(wholeBook, [owner])).map(seen);

type NewsRow = Omit<ContactRow, 'overlay'> & { readonly owner: string; readonly overlay: Contact | null };

// Ships that are only met have nothing that is told.
const newsOf = statement<NewsRow>(
  'contacts.news',
  `select owner, kip, is_page, is_followed, kept, case when is_page then overlay end as overlay from contact_pages
   where (owner, kip) in (select * from unnest($1::text[], $2::text[]))
      or (is_followed and owner = any($3) and kip = any($4))`,
);
const profilesOf = statement<{ ship: string; profile: Contact }>(
  'profiles.of',
  'select ship, profile from profiles where ship = any($1)',
);

export type OwnedContact = SeenContact & { readonly owner: string };

/** How these contacts of these owners are now, and how followers among `owners` see these ships. */
export const readNews = async (
  on: Queryable,
  contacts: readonly { readonly owner: string; readonly kip: string }[],
  { owners, ships }: { readonly owners: readonly string[]; readonly ships: readonly string[] },
): Promise<{ readonly contacts: readonly OwnedContact[]; readonly profileOf: (ship: string) => Contact }> => {
  const rows = await on.query(newsOf, [
    contacts.map(({ owner }) => owner),
    contacts.map(({ kip }) => kip),
    owners,
    ships,
  ]);
  const wanted = [...new Set([...ships, ...rows.flatMap((row) => (row.is_followed ? row.kip : []))])];
  const profiles = new Map((await on.query(profilesOf, [wanted])).map(({ ship, profile }) => [ship, profile]));
  const profileOf = (ship: string): Contact => profiles.get(ship) ?? {};
  return {
    profileOf,
    contacts: rows.map((row) => ({
      ...seen({ ...row, overlay: row.overlay ?? {}, profile: row.is_followed ? profileOf(row.kip) : row.kept }),
      owner: row.owner,
    })),
  };
};
