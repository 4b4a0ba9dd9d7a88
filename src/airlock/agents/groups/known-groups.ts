// Groups as those who watch them were told last: what is told next is the way from there to what
// they are now.
import { LRUCache } from 'lru-cache';
import type { WholeGroup } from '../../../community/groups/group-store.ts';
import { type MeasuredGroup, readFlagsOf, readGroupsNamed } from '../../../community/groups/group-summaries.ts';
import type { Queryable } from '../../../database/database.ts';

export type KnownGroups = {
  /** Begins with the groups that a ship has to do with. */
  readonly begin: (ship: string) => Promise<void>;
  /** undefined: nobody was told of it, or too long ago. */
  readonly get: (flag: string) => WholeGroup | undefined;
  readonly put: (group: MeasuredGroup) => void;
  readonly forget: (flag: string) => void;
};

/** Of the groups as JSON. */
const MOST_BYTES = 32 * 1024 * 1024;

export const createKnownGroups = (database: Queryable): KnownGroups => {
  const known = new LRUCache<string, WholeGroup>({ maxSize: MOST_BYTES });
  const put = (whole: MeasuredGroup): void => void known.set(whole.flag, whole, { size: whole.bytes });
  return {
    begin: async (ship) => {
      const flags = await readFlagsOf(database, ship);
      const unknown = flags.filter((flag) => !known.has(flag));
      for (const whole of await readGroupsNamed(database, unknown)) if (!known.has(whole.flag)) put(whole);
    },
    get: (flag) => known.get(flag),
    put,
    forget: (flag) => known.delete(flag),
  };
};
