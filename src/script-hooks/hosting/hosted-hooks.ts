// Which hooks run on a channel, as the database has them.
import { createBatch } from '../../database/batch.ts';
import type { Database } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';

export type HostedHook = {
  /** In digits. */
  readonly id: string;
  readonly name: string;
  /** Another one whenever it has to be built anew. */
  readonly version: number;
  readonly onError: 'allow' | 'deny';
  /** Why it does not run; null: it does. */
  readonly whyNot: string | null;
  /** For this run. */
  readonly config: Readonly<Record<string, unknown>>;
};

type Row = {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly on_error: 'allow' | 'deny';
  readonly why_not: string | null;
  readonly config: Readonly<Record<string, unknown>> | null;
};

const COLUMNS = `h.id, h.name, h.version, h.on_error,
  case when not h.is_enabled then coalesce(h.disabled_reason, 'it is disabled')
    when h.running_src is null then 'its source does not compile: ' || h.error end as why_not`;

const ofChannels = statement<Row & { nest: string }>(
  'hosted.of-channels',
  `select o.nest, ${COLUMNS}, c.config
   from script_orders o
   cross join unnest(o.hooks) with ordinality as place (hook, position)
   join script_hooks h on h.id = place.hook
   left join script_configs c on c.hook = h.id and c.nest = o.nest
   where o.nest = any($1::text[]) order by o.nest, place.position`,
);
const forCron = statement<Row>(
  'hosted.for-cron',
  `select ${COLUMNS}, c.config from script_crons c join script_hooks h on h.id = c.hook
   where c.hook = $1 and c.origin = $2`,
);
const forWake = statement<Row>(
  'hosted.for-wake',
  `select ${COLUMNS}, c.config
   from script_hooks h left join script_configs c on c.hook = h.id and c.nest = $2 where h.id = $1`,
);
const findSource = statement<HostedSource>(
  'hosted.source',
  'select version, running_src as source from script_hooks where id = $1 and running_src is not null',
);

const inUse = statement<Pick<HostedHook, 'id' | 'version'>>(
  'hosted.in-use',
  `select id, version from script_hooks
   where is_enabled and running_src is not null and id in (
     select unnest(hooks) from script_orders union select hook from script_crons union select hook from script_waits)
   order by id limit $1`,
);

export type HostedHooks = {
  /** In the order in which they run. */
  readonly ofChannel: (nest: string) => Promise<readonly HostedHook[]>;
  /** undefined: the cron, or the hook, is gone. `origin`: a nest, or the empty text. */
  readonly forCron: (id: string, origin: string) => Promise<HostedHook | undefined>;
  readonly forWake: (id: string, origin: string) => Promise<HostedHook | undefined>;
  /** What runs now. */
  readonly sourceOf: (id: string) => Promise<HostedSource | undefined>;
  /** What may be called any moment: on a channel, by a cron or by a wake-up. */
  readonly inUse: (limit: number) => Promise<readonly Pick<HostedHook, 'id' | 'version'>[]>;
};

export type HostedSource = { readonly version: number; readonly source: string };

const hosted = ({ id, name, version, on_error, why_not, config }: Row): HostedHook => ({
  ...{ id, name, version },
  onError: on_error,
  whyNot: why_not,
  config: config ?? {},
});

export const createHostedHooks = (database: Database): HostedHooks => {
  const ofChannel = createBatch<string, readonly HostedHook[]>({
    maxItems: 100,
    concurrency: 2,
    run: async (nests) => {
      const rows = await database.query(ofChannels, [[...new Set(nests)]]);
      return nests.map((nest) => rows.filter((row) => row.nest === nest).map(hosted));
    },
  });
  const one = async (query: typeof forCron, id: string, origin: string) => {
    const [row] = await database.query(query, [id, origin]);
    return row && hosted(row);
  };
  return {
    ofChannel,
    forCron: (id, origin) => one(forCron, id, origin),
    forWake: (id, origin) => one(forWake, id, origin),
    sourceOf: async (id) => (await database.query(findSource, [id]))[0],
    inUse: (limit) => database.query(inUse, [limit]),
  };
};
