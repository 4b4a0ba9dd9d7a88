// How much ships want to be told of at all.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { Level } from './volume.ts';

const findLevels = statement<{ ship: string; notifications: Level }>(
  'activity.levels',
  'select ship, notifications from ships where ship = any($1)',
);

/** By ship; those that are no ships of this server are not there. */
export const readLevels = async (on: Queryable, ships: readonly string[]): Promise<ReadonlyMap<string, Level>> =>
  new Map((await on.query(findLevels, [ships])).map(({ ship, notifications }) => [ship, notifications]));
