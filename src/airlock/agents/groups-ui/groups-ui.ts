// The agent of what clients ask when they begin, and after they were away: all that a ship has, at
// once; and what it has pinned.
import aura from '@urbit/aura';
import type { Decoded } from '../../../community/schema/decode.ts';
import { parseId } from '../../../community/schema/id.ts';
import type { Database } from '../../../database/database.ts';
import { activityInit } from '../activity/init.ts';
import { type Agent, DONE, type Json, type PokeResult, refuse } from '../agent.ts';
import { channelsInit } from '../channels/init.ts';
import { chatInit } from '../chat/init.ts';
import { createContactReads } from '../contacts/contact-reads.ts';
import { readAirlockGroups, readForeigns } from '../groups/read-groups.ts';
import { createOverview, MOST_PLACES, type OverviewSettings } from './overview.ts';
import { changePins, decodePinsAction, readPins } from './pins.ts';
import { decodeShip, decodeShips, noteSuggestions, readSuggestions } from './suggestions.ts';

export type GroupsUiSettings = OverviewSettings & { readonly database: Database };

const INIT = /^\/v[567]\/init$/;
const HEADS = /^\/v\d\/heads((?:\/[^/]+){0,2})$/;
const NEWEST = /^\/v\d\/init-posts\/(\d{1,6})\/(\d{1,6})$/;
const CHANGES = /^\/v[5-8]\/changes\/([^/]{1,100})$/;

export const createGroupsUi = (settings: GroupsUiSettings): Agent => {
  const { database } = settings;
  const { readHeads, readNewest, readChanged } = createOverview(settings);
  const scryContacts = createContactReads(database);

  const init = async (ship: string): Promise<Json> => ({
    groups: await readAirlockGroups(database, ship),
    foreigns: await readForeigns(database, ship),
    channel: await channelsInit(database, ship),
    chat: await chatInit(database, ship),
    activity: await activityInit(database, ship),
    pins: await readPins(database, ship),
    profile: false,
  });
  const changes = async (ship: string, since: bigint): Promise<Json> => ({
    groups: await readAirlockGroups(database, ship),
    ...(await readChanged(ship, since)),
    contacts: await scryContacts('/v1/book', ship),
    activity: await activityInit(database, ship),
  });
  /** undefined: there is no such mark. */
  const actionOf = (mark: string, json: unknown, ship: string): (() => Promise<unknown>) | string | undefined => {
    const checked = <T>(decoded: Decoded<T>, then: (value: T) => Promise<unknown>) =>
      decoded.ok
        ? () => then(decoded.value)
        : `The action is wrong at ${decoded.pointer || 'its root'}: ${decoded.reason}`;
    if (mark === 'ui-action') return checked(decodePinsAction(json), (action) => changePins(database, ship, action));
    if (mark === 'ui-hide-contact') {
      return checked(decodeShip(json), (other) => noteSuggestions(database, ship, [other], true));
    }
    if (mark !== 'ui-add-contact-suggestions') return undefined;
    return checked(decodeShips(json), (others) => noteSuggestions(database, ship, others, false));
  };

  return {
    name: 'groups-ui',
    scry: async (path, ship) => {
      if (INIT.test(path)) return init(ship);
      if (/^(?:\/v\d)?\/pins$/.test(path)) return readPins(database, ship);
      if (path === '/suggested-contacts') return readSuggestions(database, ship);
      const [, heads] = HEADS.exec(path) ?? [];
      if (heads !== undefined) return readHeads(ship, latestOf(heads.split('/').slice(1)));
      const [, places, posts] = NEWEST.exec(path) ?? [];
      if (places !== undefined) return readNewest(ship, Number(places), Number(posts));
      const [, moment] = CHANGES.exec(path) ?? [];
      const since = moment === undefined ? null : timeOf(moment);
      return since === null ? undefined : changes(ship, since);
    },
    poke: async (mark, json, ship): Promise<PokeResult | undefined> => {
      const action = actionOf(mark, json, ship);
      if (action === undefined) return undefined;
      if (typeof action === 'string') return refuse(action);
      await action();
      return DONE;
    },
  };
};

/** `~2025.4.1..12.00.00`, or an id. */
const timeOf = (text: string): bigint | null => parseId(text) ?? aura.tryParse('da', text);

const SHORTEST_ID = 30;

/** A moment, a number of places, both or none. */
const latestOf = (segments: readonly string[]) => {
  const isMoment = (text: string) => text.startsWith('~') || text.length > SHORTEST_ID;
  const moment = segments.find(isMoment);
  const count = Number(segments.find((text) => !isMoment(text)) ?? MOST_PLACES);
  return {
    since: String((moment === undefined ? null : timeOf(moment)) ?? 0),
    limit: Number.isSafeInteger(count) && count > 0 ? Math.min(count, MOST_PLACES) : MOST_PLACES,
  };
};
