// What a ship does to its profile and to its book of contacts.
import { describeError } from '../../core/errors.ts';
import type { Transaction } from '../../database/database.ts';
import { type ActIn, type Acting, type ActResult, DONE, refuse } from '../acting.ts';
import { recordChanges } from '../changes/record-changes.ts';
import { parseUv, uvText } from '../schema/uv.ts';
import { lockShip } from '../ships/lock-ship.ts';
import { unknownShips, whyNoShip } from '../ships/ships.ts';
import type { ActionContacts, Contact, Kip } from '../types/chat.ts';
import {
  type ContactRow,
  countContacts,
  readContacts,
  readProfile,
  storeContact,
  storeProfile,
} from './contact-store.ts';
import { mergeProfile } from './profile.ts';

const MOST_CONTACTS = 10_000;
const MOST_AT_ONCE = 1_000;

/** Everybody who follows the ship sees its profile change at once. */
export const actOnContacts: ActIn<ActionContacts> = async (tx, asked, acting) => {
  await lockShip(tx, acting.actor);
  if ('anon' in asked) return store(tx, acting, {});
  if ('self' in asked) {
    return merged(await readProfile(tx, acting.actor), asked.self, (profile) => store(tx, acting, profile));
  }
  if ('page' in asked) return addPage(tx, asked.page, acting);
  if ('edit' in asked) return editPage(tx, asked.edit, acting);
  if ('wipe' in asked) return wipe(tx, asked.wipe, acting);
  if ('meet' in asked) return meet(tx, asked.meet, acting);
  return 'drop' in asked ? part(tx, asked.drop, acting, 'forget') : part(tx, asked.snub, acting, 'keep');
};

const store = async (tx: Transaction, { actor }: Acting, profile: Contact): Promise<ActResult> => {
  await storeProfile(tx, actor, profile);
  await recordChanges(tx, [{ kind: 'profile', ship: actor }]);
  return DONE;
};

const merged = async (
  before: Contact,
  change: Contact,
  then: (after: Contact) => Promise<ActResult>,
): Promise<ActResult> => {
  let after: Contact;
  try {
    after = mergeProfile(before, change);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse(describeError(error));
  }
  return then(after);
};

/** `~ship`, or `0v…`; undefined: it is no key of a page. */
const kipText = (kip: Kip): string | undefined => {
  if ('ship' in kip) return kip.ship;
  const number = parseUv(kip.id);
  return number === null ? undefined : uvText(number);
};

const newRow = (kip: string): ContactRow => ({ kip, is_page: false, is_followed: false, kept: null, overlay: {} });

const NO_KEY = refuse('The key of a page is a ship, or an id such as 0v1.');

type PageAsked = { readonly kip: Kip; readonly contact: Contact };

const addPage = async (tx: Transaction, { kip, contact }: PageAsked, { actor }: Acting): Promise<ActResult> => {
  const key = kipText(kip);
  if (key === undefined) return NO_KEY;
  if ('ship' in kip && (await unknownShips(tx, [key])).length > 0) return refuse(whyNoShip(key));
  const known = (await readContacts(tx, actor, [key])).get(key);
  if (known?.is_page) return refuse(`There is a page of ${key} already.`);
  if (!known && (await countContacts(tx, actor)) >= MOST_CONTACTS) return tooMany();
  return merged({}, contact, async (overlay) => {
    const row = known ?? { ...newRow(key), is_followed: 'ship' in kip }; // who is new is met
    await storeContact(tx, actor, { ...row, is_page: true, overlay });
    await record(tx, actor, 'page', [key]);
    return DONE;
  });
};

const tooMany = () => refuse(`At most ${MOST_CONTACTS} contacts are kept.`);

const editPage = async (tx: Transaction, { kip, contact }: PageAsked, { actor }: Acting): Promise<ActResult> => {
  const key = kipText(kip);
  if (key === undefined) return NO_KEY;
  const known = (await readContacts(tx, actor, [key])).get(key);
  if (!known?.is_page) return refuse(`There is no page of ${key}.`);
  return merged(known.overlay, contact, async (overlay) => {
    await storeContact(tx, actor, { ...known, overlay });
    await record(tx, actor, 'page', [key]);
    return DONE;
  });
};

const wipe = async (tx: Transaction, kips: readonly Kip[], { actor }: Acting): Promise<ActResult> => {
  if (kips.length > MOST_AT_ONCE) return tooManyAtOnce();
  const keys = kips.flatMap((kip) => kipText(kip) ?? []);
  const rows = [...(await readContacts(tx, actor, keys)).values()].filter(({ is_page }) => is_page);
  for (const row of rows) await storeContact(tx, actor, { ...row, is_page: false, overlay: {} });
  await record(tx, actor, 'wipe', kipsOf(rows));
  return DONE;
};

const record = (tx: Transaction, owner: string, news: 'page' | 'wipe' | 'peer', kips: readonly string[]) =>
  recordChanges(tx, kips.length === 0 ? [] : [{ kind: 'contacts', owner, news, kips }]);

const kipsOf = (rows: readonly ContactRow[]) => rows.map(({ kip }) => kip);

const tooManyAtOnce = () => refuse(`At most ${MOST_AT_ONCE} contacts are changed at once.`);

const meet = async (tx: Transaction, asked: readonly string[], { actor }: Acting): Promise<ActResult> => {
  if (asked.length > MOST_AT_ONCE) return tooManyAtOnce();
  const ships = [...new Set(asked)].filter((ship) => ship !== actor);
  const [unknown] = await unknownShips(tx, ships);
  if (unknown !== undefined) return refuse(whyNoShip(unknown));
  const known = await readContacts(tx, actor, ships);
  if ((await countContacts(tx, actor)) + ships.length - known.size > MOST_CONTACTS) return tooMany();
  for (const ship of ships) {
    await storeContact(tx, actor, { ...(known.get(ship) ?? newRow(ship)), is_followed: true, kept: null });
  }
  await record(tx, actor, 'peer', ships);
  return DONE;
};

/** They are followed no longer; their profile is kept as it is now, or forgotten. */
const part = async (
  tx: Transaction,
  ships: readonly string[],
  { actor }: Acting,
  profile: 'keep' | 'forget',
): Promise<ActResult> => {
  if (ships.length > MOST_AT_ONCE) return tooManyAtOnce();
  const rows = [...(await readContacts(tx, actor, ships)).values()];
  for (const row of rows) {
    const latest = row.is_followed ? await readProfile(tx, row.kip) : row.kept;
    await storeContact(tx, actor, { ...row, is_followed: false, kept: profile === 'keep' ? latest : null });
  }
  await record(tx, actor, 'peer', kipsOf(rows)); // the last that is told of them
  return DONE;
};
