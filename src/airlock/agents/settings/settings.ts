// The agent that keeps the settings of clients for their ship.
import { recordChanges } from '../../../community/changes/record-changes.ts';
import { describeError } from '../../../core/errors.ts';
import type { Database, Queryable } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';
import { type Agent, DONE, type Json, type PokeResult, refuse } from '../agent.ts';
import { changeSettings, LARGEST_SETTINGS, type Settings } from './change-settings.ts';

const DESK = /^\/desk\/([^/]+)$/;

type Row = { readonly settings: Settings };

const findSettings = statement<Row>('ship-settings.find', 'select settings from ship_settings where ship = $1');
const beginSettings = statement(
  'ship-settings.begin',
  `insert into ship_settings (ship, settings) values ($1, '{}') on conflict do nothing`,
);
const lockSettings = statement<Row>(
  'ship-settings.lock',
  'select settings from ship_settings where ship = $1 for update',
);
const putSettings = statement('ship-settings.put', 'update ship_settings set settings = $2 where ship = $1');

export const createSettings = (database: Database): Agent => ({
  name: 'settings',
  scry: async (path, ship) => {
    const desk = DESK.exec(path)?.[1];
    if (path !== '/all' && desk === undefined) return undefined;
    const all = await read(database, ship);
    return desk === undefined ? { all } : { desk: Object.hasOwn(all, desk) ? all[desk] : {} };
  },
  poke: async (mark, json, ship) => (mark === 'settings-event' ? change(database, json, ship) : undefined),
  factsOf: async (changes, watchers) =>
    changes.flatMap((change) =>
      change.kind === 'settings'
        ? watchers
            .filter(
              ({ ship, path }) => ship === change.ship && (path === '/all' || DESK.exec(path)?.[1] === change.desk),
            )
            .map((watcher) => ({ watcher, fact: { mark: 'settings-event', json: { 'settings-event': change.event } } }))
        : [],
    ),
});

const read = async (on: Queryable, ship: string): Promise<Settings> =>
  (await on.query(findSettings, [ship]))[0]?.settings ?? {};

const change = (database: Database, event: Json, ship: string): Promise<PokeResult> =>
  database.transaction(async (tx) => {
    await tx.query(beginSettings, [ship]);
    const [row] = await tx.query(lockSettings, [ship]);
    let settings: string;
    try {
      settings = JSON.stringify(changeSettings(row?.settings ?? {}, event));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return refuse(describeError(error));
    }
    if (Buffer.byteLength(settings) > LARGEST_SETTINGS) {
      return refuse(`All settings of a ship have at most ${LARGEST_SETTINGS} bytes.`);
    }
    await tx.query(putSettings, [ship, settings]);
    const { desk } = Object.values(event as Record<string, { readonly desk: string }>)[0] as { desk: string };
    await recordChanges(tx, [{ kind: 'settings', ship, desk, event: event as object }]);
    return DONE;
  });
