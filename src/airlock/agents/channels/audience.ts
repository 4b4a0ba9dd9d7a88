// Who hears what happens in channels: ships that have joined them and may read them.
import { createGroupCache } from '../../../community/groups/group-store.ts';
import { hostOf, mayRead } from '../../../community/groups/membership.ts';
import type { Queryable } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';

type Row = {
  readonly nest: string;
  readonly flag: string;
  readonly version: number | null;
  readonly text: string | null;
  readonly ships: readonly string[];
};

// The group comes along where it is not the known one, and with the first of its channels only.
const audience = statement<Row>(
  'airlock-channels.audience',
  `select c.nest, c.flag, g.version,
     case when g.version is distinct from w.version and row_number() over (partition by c.flag order by c.nest) = 1
       then g.doc::text end as text,
     array(select m.ship from channel_members m where m.nest = c.nest and m.ship = any($3::text[])) as ships
   from unnest($1::text[], $2::bigint[]) as w(nest, version)
   join channels c on c.nest = w.nest left join groups g on g.flag = c.flag
   order by c.nest`,
);

/** By channel: those of these ships. */
export type ReadAudience = (
  nests: readonly string[],
  ships: readonly string[],
) => Promise<ReadonlyMap<string, ReadonlySet<string>>>;

export const createReadAudience = (from: Queryable): ReadAudience => {
  const groups = createGroupCache();
  /** A channel stays in its group. */
  const flags = new Map<string, string>();
  const MOST_FLAGS = 10_000;

  return async (nests, ships) => {
    if (nests.length === 0) return new Map();
    const versions = nests.map((nest) => groups.get(flags.get(nest) ?? '')?.version ?? null);
    const rows = await from.query(audience, [nests, versions, ships]);
    if (flags.size > MOST_FLAGS) flags.clear();
    const heard = rows.map(({ nest, flag, version, text, ships: joined }) => {
      flags.set(nest, flag);
      if (version !== null && text !== null) groups.put(flag, { version, text });
      const group = groups.get(flag);
      const isCurrent = group !== undefined && group.version === version;
      const may = (ship: string) => hostOf(nest) === ship || (isCurrent && mayRead(group, nest, ship));
      return [nest, new Set(joined.filter(may))] as const;
    });
    return new Map(heard);
  };
};
