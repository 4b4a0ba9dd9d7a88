// What those who watch their activity are told: each event, and at the end what is new in all
// sources that changed. What was counted for a ship is kept as long as it watches: only where
// something changed it is counted anew.
import { readLevels } from '../../../community/activity/levels.ts';
import { type Counted, countOwn, type Part } from '../../../community/activity/own-counts.ts';
import { keyOf, wayUp } from '../../../community/activity/sources.ts';
import { type ActivitySummary, summarize } from '../../../community/activity/summary.ts';
import type { Level } from '../../../community/activity/volume.ts';
import type { Change } from '../../../community/changes/change.ts';
import type { Database } from '../../../database/database.ts';
import { airlockActivity, emptyActivity } from '../../vocabulary/activity.ts';
import type { FactFor, Json, Watcher } from '../agent.ts';
import { lookUp } from './look-up.ts';
import { type News, newsOf, type Standing } from './news.ts';

/** Ships that are counted with one question to the database. */
const SHIPS_AT_ONCE = 20;

export type ActivityFacts = {
  readonly factsOf: (changes: readonly Change[], watchers: readonly Watcher[]) => Promise<readonly FactFor[]>;
  /** The ship watches from now on, or anew: there may be changes that it was not told. */
  readonly begin: (watcher: Watcher) => Promise<void>;
};

type Kept = { readonly counted: Counted; readonly summary: ActivitySummary };

export const createActivityFacts = (database: Database): ActivityFacts => {
  const kept = new Map<string, Kept>();

  /** Something else may have been kept meanwhile, with or without what this one has seen. */
  const keep = (ship: string, before: Kept | undefined, now: Kept | undefined) => {
    if (now && kept.get(ship) === before) kept.set(ship, now);
    else kept.delete(ship);
  };

  /** What a ship is told, when it was known until now as `before`. */
  const tellShip = (ship: string, news: readonly News[], before: Kept | undefined, counted: Counted, level: Level) => {
    const summary = summarize(counted);
    keep(ship, before, { counted, summary });
    return tellAll(news, { summary, volumes: counted.volumes, level }, before?.summary ?? summary);
  };

  const factsOf: ActivityFacts['factsOf'] = async (changes, watchers) => {
    const watching = Map.groupBy(watchers.filter(isWatchable), ({ ship }) => ship);
    for (const ship of kept.keys()) if (!watching.has(ship)) kept.delete(ship);
    if (watching.size === 0) return [];
    const found = await lookUp(database, changes, new Set(watching.keys()));
    const news = changes.flatMap((change) => newsOf(change, found)).filter(({ ship }) => watching.has(ship));
    const byShip = [...Map.groupBy(news, ({ ship }) => ship)];
    const facts: FactFor[] = [];
    for (let at = 0; at < byShip.length; at += SHIPS_AT_ONCE) {
      const some = byShip.slice(at, at + SHIPS_AT_ONCE).map(([ship, of]) => ({ ship, of, before: kept.get(ship) }));
      const counts = await countOwn(
        database,
        some.map(({ ship, of, before }) => ({ owner: ship, known: knownOf(of, before) })),
      );
      const levels = await readLevels(
        database,
        some.map(({ ship }) => ship),
      );
      for (const { ship, of, before } of some) {
        const told = tellShip(ship, of, before, counts.get(ship) as Counted, levels.get(ship) ?? 'none');
        for (const watcher of watching.get(ship) ?? []) {
          facts.push(...told.map((json) => ({ watcher, fact: { mark: markOf(watcher), json } })));
        }
      }
    }
    return facts;
  };
  const begin: ActivityFacts['begin'] = async (watcher) => {
    if (!isWatchable(watcher)) return;
    const { ship } = watcher;
    const before = kept.get(ship);
    const counted = (await countOwn(database, [{ owner: ship }])).get(ship);
    keep(ship, before, counted && { counted, summary: summarize(counted) });
  };
  return { factsOf, begin };
};

/** Only what the news are about is counted anew; all, if they are about all or nothing is kept. */
const knownOf = (news: readonly News[], before: Kept | undefined) =>
  before && !news.some(({ isDeep }) => isDeep) ? { counted: before.counted, part: partOf(news) } : undefined;

const isWatchable = ({ path }: Watcher): boolean => /^\/v\d$/.test(path);

const markOf = ({ path }: Watcher): string => `activity-update-${path.slice('/v'.length)}`;

const sourcesIn = (news: readonly News[]) => news.flatMap(({ source }) => source ?? []);

const partOf = (news: readonly News[]): Part => {
  const sources = sourcesIn(news);
  const nests = sources.flatMap((source) =>
    'channel' in source ? [source.channel.nest] : 'thread' in source ? [source.thread.channel] : [],
  );
  return { nests: new Set(nests), keys: new Set(sources.flatMap(wayUp).map(keyOf)) };
};

/** Those in which nothing is any more are told, too. */
const tellAll = (news: readonly News[], standing: Standing, before: ActivitySummary): readonly Json[] => {
  const told = news.flatMap(({ tell }) => tell?.(standing) ?? []);
  const { summary } = standing;
  const keys = [...sourcesIn(news).flatMap(wayUp).map(keyOf), ...keysBelow(news, standing)];
  const gone = [...before.keys(), ...keys].filter((key) => !summary.has(key));
  const activity = { ...airlockActivity(summary, new Set(keys)), ...emptyActivity(new Set(gone)) };
  return Object.keys(activity).length === 0 ? told : [...told, { activity }];
};

/** Of sources below those that changed with all below them. */
const keysBelow = (news: readonly News[], { summary }: Standing): readonly string[] => {
  const above = new Set(sourcesIn(news.filter(({ isDeep }) => isDeep)).map(keyOf));
  if (above.size === 0) return [];
  return [...summary].flatMap(([key, { source }]) => (wayUp(source).some((one) => above.has(keyOf(one))) ? [key] : []));
};
