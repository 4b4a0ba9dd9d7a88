// What those who watch their activity are told: each event, and at the end what is new in all
// sources that changed.
import { readLevels } from '../../../community/activity/levels.ts';
import { keyOf, wayUp } from '../../../community/activity/sources.ts';
import { readSummaries, type Standing } from '../../../community/activity/summary.ts';
import type { Level } from '../../../community/activity/volume.ts';
import type { Change } from '../../../community/changes/change.ts';
import type { Database } from '../../../database/database.ts';
import { airlockActivity } from '../../vocabulary/activity.ts';
import type { FactFor, Json, Watcher } from '../agent.ts';
import { lookUp } from './look-up.ts';
import { type News, newsOf } from './news.ts';

/** Ships that are counted with one question to the database. */
const SHIPS_AT_ONCE = 20;

const isWatchable = ({ path }: Watcher): boolean => /^\/v\d$/.test(path);

export const createActivityFacts =
  (database: Database) =>
  async (changes: readonly Change[], watchers: readonly Watcher[]): Promise<readonly FactFor[]> => {
    const watching = Map.groupBy(watchers.filter(isWatchable), ({ ship }) => ship);
    if (watching.size === 0) return [];
    const found = await lookUp(database, changes, new Set(watching.keys()));
    const news = changes.flatMap((change) => newsOf(change, found)).filter(({ ship }) => watching.has(ship));
    const byShip = Map.groupBy(news, ({ ship }) => ship);
    const facts: FactFor[] = [];
    const ships = [...byShip.keys()];
    for (let at = 0; at < ships.length; at += SHIPS_AT_ONCE) {
      const some = ships.slice(at, at + SHIPS_AT_ONCE);
      const standings = await readSummaries(database, some);
      const levels = await readLevels(database, some);
      for (const ship of some) {
        const told = tellAll(byShip.get(ship) ?? [], standings.get(ship) as Standing, levels.get(ship) ?? 'none');
        for (const watcher of watching.get(ship) ?? []) {
          facts.push(...told.map((json) => ({ watcher, fact: { mark: markOf(watcher), json } })));
        }
      }
    }
    return facts;
  };

const markOf = ({ path }: Watcher): string => `activity-update-${path.slice('/v'.length)}`;

const tellAll = (news: readonly News[], standing: Standing, level: Level): readonly Json[] => {
  const told = news.flatMap(({ tell }) => tell?.(standing, level) ?? []);
  const keys = new Set(news.flatMap((one) => keysOf(one, standing)));
  return keys.size === 0 ? told : [...told, { activity: airlockActivity(standing.summary, keys) }];
};

const keysOf = ({ source, isDeep }: News, { summary }: Standing): readonly string[] => {
  if (source === undefined) return [];
  const key = keyOf(source);
  const below = isDeep
    ? [...summary.values()].filter((one) => wayUp(one.source).some((above) => keyOf(above) === key))
    : [];
  return [...wayUp(source), ...below.map((one) => one.source)].map(keyOf);
};
