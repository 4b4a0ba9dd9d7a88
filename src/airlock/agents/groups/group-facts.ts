// What is told of groups to those who watch them: their own groups, step by step, and those that
// they are invited to.
import type { Change } from '../../../community/changes/change.ts';
import { readFlagsOfChannels } from '../../../community/channels/channel-store.ts';
import { hasJoined } from '../../../community/groups/entry.ts';
import type { WholeGroup } from '../../../community/groups/group-store.ts';
import { guestAt, readGroupsConcerning } from '../../../community/groups/group-summaries.ts';
import type { Queryable } from '../../../database/database.ts';
import { type AirlockGroup, airlockForeign, airlockGroup, pastForeign } from '../../vocabulary/group.ts';
import { type GroupStep, groupSteps } from '../../vocabulary/group-facts.ts';
import type { FactFor, Watcher } from '../agent.ts';
import type { KnownGroups } from './known-groups.ts';
import { readActiveChannels } from './read-groups.ts';

/** Path → the mark of its facts. */
const OWN_GROUPS: Readonly<Record<string, string>> = {
  '/v1/groups': 'group-response-1',
  '/v2/groups': 'group-response-2',
};
const FOREIGNS = '/v1/foreigns';
/** Here, and only here, a ship is told of the channels that it joins. */
const ACTIVE_CHANNELS = '/v2/groups';
const FOREIGNS_MARK = 'foreigns-1';

/** Groups, each of which may be large. */
const MOST_AT_ONCE = 10;

export const isWatchedPath = (path: string): boolean => Object.hasOwn(OWN_GROUPS, path) || path === FOREIGNS;

const isIn = (whole: WholeGroup | undefined, ship: string): boolean =>
  whole !== undefined && hasJoined(whole.group, ship);

const isGuest = (whole: WholeGroup | undefined, ship: string): boolean =>
  whole !== undefined &&
  !isIn(whole, ship) &&
  [whole.group.fleet, whole.entry.invited, whole.entry.requests].some((ships) => Object.hasOwn(ships, ship));

type Changed = {
  readonly flag: string;
  /** undefined: nobody was told of it. */
  readonly before: WholeGroup | undefined;
  /** undefined: it is gone, or has to do with none of those who watch. */
  readonly after: WholeGroup | undefined;
  /** Who had come in, and is in it no longer. */
  readonly left: ReadonlySet<string>;
};

export const createGroupFacts = (database: Queryable, known: KnownGroups) => {
  const toOwn = (watcher: Watcher, flag: string, step: GroupStep): FactFor => ({
    watcher,
    fact: { mark: OWN_GROUPS[watcher.path] ?? '', json: { flag, 'r-group': step } },
  });

  /** A ship that has come in is told of the whole group, one that has gone that there is none. */
  const factsOfOwn = async (
    watchers: readonly Watcher[],
    { flag, before, after, left }: Changed,
  ): Promise<FactFor[]> => {
    const facts: FactFor[] = [];
    let steps: readonly GroupStep[] | undefined;
    let whole: AirlockGroup | undefined;
    for (const watcher of watchers) {
      const [was, is] = [isIn(before, watcher.ship), isIn(after, watcher.ship)];
      if (was && is && before && after) {
        steps ??= groupSteps(before, after);
        facts.push(...steps.map((step) => toOwn(watcher, flag, step)));
      } else if (is && after) {
        const active = await readActiveChannels(database, watcher.ship);
        whole ??= airlockGroup(after, []); // it may be large, and many may come in at once
        facts.push(toOwn(watcher, flag, { create: { ...whole, 'active-channels': active(after.group) } }));
      } else if (was || (left.has(watcher.ship) && !is)) facts.push(toOwn(watcher, flag, { delete: null }));
    }
    return facts;
  };

  const factOfForeign = (
    watcher: Watcher,
    { flag, before, after }: Pick<Changed, 'flag' | 'before' | 'after'>,
  ): FactFor[] => {
    const { ship } = watcher;
    const is = isGuest(after, ship);
    if (!is && !isGuest(before, ship)) return [];
    const foreign = is && after ? airlockForeign(guestAt(after, ship)) : pastForeign(isIn(after, ship));
    return [{ watcher, fact: { mark: FOREIGNS_MARK, json: { [flag]: foreign } } }];
  };

  const factsOfGroups = async (
    flags: readonly string[],
    watching: readonly Watcher[],
    leftOf: ReadonlyMap<string, ReadonlySet<string>>,
  ): Promise<FactFor[]> => {
    const ships = [...new Set(watching.map(({ ship }) => ship))];
    const now = new Map((await readGroupsConcerning(database, flags, ships)).map((whole) => [whole.flag, whole]));
    const facts: FactFor[] = [];
    for (const flag of flags) {
      const [before, after] = [known.get(flag), now.get(flag)];
      if (after) known.put(after);
      else known.forget(flag);
      const [foreign, own] = [true, false].map((is) => watching.filter(({ path }) => (path === FOREIGNS) === is));
      facts.push(...(await factsOfOwn(own ?? [], { flag, before, after, left: leftOf.get(flag) ?? new Set() })));
      facts.push(...(foreign ?? []).flatMap((watcher) => factOfForeign(watcher, { flag, before, after })));
    }
    return facts;
  };

  /** Which channels a ship has joined and left. */
  const factsOfChannels = async (changes: readonly Change[], watching: readonly Watcher[]): Promise<FactFor[]> => {
    const moves = changes.filter((change) => change.kind === 'joined' || change.kind === 'left');
    const watchers = Map.groupBy(watching, ({ ship }) => ship);
    const seen = moves.filter(({ ships }) => ships.some((ship) => watchers.has(ship)));
    const flags = await readFlagsOfChannels(
      database,
      seen.map(({ nest }) => nest),
    );
    return seen.flatMap(({ kind, nest, ships }) => {
      const flag = flags.get(nest);
      const step = { 'active-channel': { nest, joined: kind === 'joined' } };
      const told = flag === undefined ? [] : ships.flatMap((ship) => watchers.get(ship) ?? []);
      return told.map((watcher) => toOwn(watcher, flag ?? '', step));
    });
  };

  return async (changes: readonly Change[], watchers: readonly Watcher[]): Promise<readonly FactFor[]> => {
    const ofGroups = changes.filter((change) => change.kind === 'group');
    const leftOf = new Map(
      [...Map.groupBy(ofGroups, ({ flag }) => flag)].map(([flag, of]) => [
        flag,
        new Set(of.flatMap(({ left = [] }) => left)),
      ]),
    );
    const flags = [...leftOf.keys()];
    const watching = watchers.filter(({ path }) => isWatchedPath(path));
    const facts: FactFor[] = [];
    for (let first = 0; first < flags.length; first += MOST_AT_ONCE) {
      facts.push(...(await factsOfGroups(flags.slice(first, first + MOST_AT_ONCE), watching, leftOf)));
    }
    const newest = watching.filter(({ path }) => path === ACTIVE_CHANNELS);
    return [...facts, ...(await factsOfChannels(changes, newest))];
  };
};
