// Posts in channels with and without script hooks, runs beside many posts, and many crons at once:
// the community inside this process, on an embedded database that keeps what it says.
import { type CommunityParts, createCommunityParts } from '../../src/assembly/community.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { newGroup } from '../../src/community/groups/new-group.ts';
import { idFromMillis } from '../../src/community/schema/id.ts';
import { parseUv } from '../../src/community/schema/uv.ts';
import type { Action } from '../../src/community/types/effect.ts';
import { toIso } from '../../src/core/clock.ts';
import { silentLog as log } from '../../src/core/log.ts';
import { createMetrics } from '../../src/core/metrics.ts';
import { createSecretBox } from '../../src/core/secret-box.ts';
import type { Database } from '../../src/database/database.ts';
import { prepareDatabase } from '../../src/database/start/prepare-database.ts';
import { statement } from '../../src/database/statement.ts';
import { createTimers } from '../../src/timers/create-timers.ts';
import { type Bench, figure, type Measure, median, type Row } from '../harness/measure.ts';

const [HOST, NEC, FLAG] = ['~zod', '~nec', '~zod/bench'] as const;
const CHANNELS = 10;
const FEW_POSTS = 100;
const MANY_POSTS = 100_000;
const CRONS = 10_000;
const CRON_HOOKS = 100;

const COUNTS = `const { get_state, set_state } = require('tlon_hooks');
module.exports = (event) => { set_state((get_state() ?? 0) + 1); return { event: { allowed: event }, effects: [] }; };`;
const FILTERS = `module.exports = (event) => JSON.stringify(event['on-post'].add.essay.content).includes('spam')
  ? { event: { denied: 'no spam' }, effects: [] } : { event: { allowed: event }, effects: [] };`;
const MARKS = `module.exports = (event) => {
  event['on-post'].add.essay.content.push({ inline: ['!'] });
  return { event: { allowed: event }, effects: [] };
};`;
const READS = `const { get_chat_messages_here } = require('tlon_hooks');
module.exports = (event) => {
  const last = get_chat_messages_here().slice(-20).map(({ essay }) => essay.author);
  return { event: last.length > 20 ? { denied: null } : { allowed: event }, effects: [] };
};`;
const ONCE_A_YEAR = '0 0 1 1 *';
const TICKS = 'module.exports = (event) => ({ event: { allowed: event }, effects: [] });';

export const community: Measure = {
  name: 'community',
  about: 'posts with and without script hooks, runs in a channel of 100,000 posts, 10,000 crons in a minute',
  take: async (bench) => {
    await using undo = new AsyncDisposableStack();
    const world = await openWorld(undo, bench);
    return [
      ...(await takePosts(bench, world)),
      ...(await takeLongChannel(bench, world)),
      ...(await takeCrons(bench, world)),
    ];
  },
};

type World = CommunityParts & {
  readonly database: Database;
  readonly does: (action: Action, actor?: string) => Promise<void>;
  readonly channel: (name: string) => Promise<string>;
  readonly post: (nest: string) => Promise<void>;
  /** Adds hooks and lets them run on the channels, in this order. */
  readonly hooks: (sources: readonly string[], nests: readonly string[]) => Promise<string[]>;
  /** Does one action of the library. */
  readonly manage: (action: object) => Promise<unknown>;
};

const openWorld = async (undo: AsyncDisposableStack, { clock, stable }: Bench): Promise<World> => {
  const dataFolder = stable.newFolder('community');
  const prepared = undo.use(await prepareDatabase({ databaseUrl: undefined, dataFolder, poolSize: 10, clock, log }));
  const { database } = prepared;
  const base = { database, clock, log, metrics: createMetrics() };
  const timers = createTimers(base);
  const ending = new AbortController();
  const parts = undo.use(
    await createCommunityParts({
      ...{ ...base, timers, ending: ending.signal },
      config: { ship: HOST, retentionDays: 90 },
      broker: { publish: async () => {}, boundAmong: async () => new Set<string>() } as unknown as Broker,
      secretBox: createSecretBox(Buffer.alloc(32, 7)),
      mode: { satisfies: () => false, scopesOfRole: async () => [] },
      fire: async () => undefined,
    }),
  );
  const running = Promise.all([timers.run(ending.signal), parts.run(ending.signal)]);
  undo.defer(async () => {
    ending.abort();
    await running;
  });
  const does: World['does'] = async (action, actor = HOST) => {
    const result = await parts.community.act(action, { actor });
    if (result.kind !== 'done') throw new Error(result.reason);
  };
  const manage = async (action: object) => {
    const result = await parts.library.act(action, { actor: HOST, now: clock.now() });
    if (result.kind === 'refused') throw new Error(result.reason);
    return result.response;
  };
  const group = newGroup({ host: HOST, title: 'Bench', now: clock.now() });
  await parts.ships.add(NEC);
  await does({ groups: { flag: FLAG, update: { diff: { create: group } } } });
  await does({ groups: { flag: FLAG, update: { diff: { fleet: { ships: [NEC], diff: { add: null } } } } } }, NEC);
  const essay = () => ({
    ...{ content: [{ inline: ['a message of some words, as people write them'] }], author: NEC, sent: clock.now() },
    'kind-data': { chat: null },
  });
  return {
    ...{ ...parts, database, does, manage },
    channel: async (name) => {
      const words = { title: name, description: '', readers: [], writers: [] };
      await does({ channels: { create: { kind: 'chat', name, group: FLAG, ...words } } });
      return `chat/${HOST}/${name}`;
    },
    post: (nest) => does({ channels: { channel: { nest, action: { post: { add: essay() } } } } }, NEC),
    hooks: async (sources, nests) => {
      const ids: string[] = [];
      for (const src of sources) {
        const response = (await manage({ add: { name: 'bench', src } })) as { set: { id: string } };
        ids.push(response.set.id);
      }
      for (const nest of nests) await manage({ order: { nest, seq: ids } });
      return ids;
    },
  };
};

/** One who posts in each channel, as fast as they are answered. */
const load = async ({ post }: World, nests: readonly string[], { clock, seconds }: Bench) => {
  const times: number[] = [];
  const end = clock.monotonic() + seconds * 1000;
  const writer = async (nest: string) => {
    while (clock.monotonic() < end) {
      const began = clock.monotonic();
      await post(nest);
      times.push(clock.monotonic() - began);
    }
  };
  await Promise.all(nests.map(writer));
  times.sort((left, right) => left - right);
  return { rate: times.length / seconds, p99: times[Math.floor(times.length * 0.99)] ?? Number.NaN };
};

const PACE = 400;

/** So many posts a second, whether those before are answered or not; ms from when each was due. */
const paced = async ({ post }: World, nests: readonly string[], { clock, seconds }: Bench): Promise<number> => {
  const begin = clock.monotonic();
  const send = async (number: number): Promise<number> => {
    const due = begin + (number * 1000) / PACE;
    await clock.sleep(Math.max(0, due - clock.monotonic()));
    await post(nests[number % nests.length] as string);
    return clock.monotonic() - due;
  };
  const times = await Promise.all(Array.from({ length: PACE * seconds }, (_, number) => send(number)));
  times.sort((left, right) => left - right);
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN;
};

const takePosts = async (bench: Bench, world: World): Promise<Row[]> => {
  const open = async (name: string) => {
    const nests: string[] = [];
    for (let number = 0; number < CHANNELS; number += 1) nests.push(await world.channel(`${name}${number}`));
    return nests;
  };
  const [plain, hooked] = [await open('plain'), await open('hooked')];
  await world.hooks([COUNTS, FILTERS, MARKS], hooked);
  for (const nests of [plain, hooked]) await load(world, nests, { ...bench, seconds: 1 });
  const [rates, hookedRates, p99s, pacedP99s]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let round = 1; round <= bench.rounds; round += 1) {
    const without = await load(world, plain, bench);
    const through = await load(world, hooked, bench);
    rates.push(without.rate);
    hookedRates.push(through.rate);
    p99s.push(through.p99);
    pacedP99s.push(await paced(world, hooked, bench));
    bench.say(
      `round ${round}: ${without.rate.toFixed(0)} posts/s without hooks, ${through.rate.toFixed(0)} through three`,
    );
  }
  return [
    figure(`posts in ${CHANNELS} channels, no hooks`, '/s', rates, { bar: { of: 'value', atLeast: 1_500 } }),
    figure(`the same through three hooks, one with a state that all share`, '/s', hookedRates, {
      reference: rates,
      bar: { of: 'value', atLeast: 400 },
    }),
    figure('their answers when ten write as fast as they can, p99', 'ms', p99s, { bar: { of: 'value', atMost: 20 } }),
    figure(`the same at ${PACE} posts a second, p99`, 'ms', pacedP99s, { bar: { of: 'value', atMost: 20 } }),
  ];
};

const fillChannel = statement(
  'bench.fill-channel',
  `insert into posts (nest, seq, id, author, doc)
   select $1, $2::int - n + 1, $3::numeric - n * 18446744073709551616, '${NEC}', json_build_object(
     'seal', json_build_object('id', ($3::numeric - n * 18446744073709551616)::text, 'replies', '{}'::json, 'reacts', '{}'::json),
     'revision', '0',
     'essay', json_build_object('content', '[{"inline": ["a message of some words"]}]'::json, 'author', '${NEC}',
       'sent', 1743465600000, 'kind-data', '{"chat": null}'::json))
   from generate_series(1, $2::int) n`,
);
const countPosts = statement(
  'bench.count-posts',
  `update channels c set version = version + 1, posts = n.posts, newest_seq = n.posts
   from (select count(*) as posts from posts where nest = $1) n where c.nest = $1`,
);

const takeLongChannel = async (bench: Bench, world: World): Promise<Row[]> => {
  const nests = [await world.channel('few'), await world.channel('many')] as const;
  for (const [index, count] of [FEW_POSTS, MANY_POSTS].entries()) {
    const nest = nests[index] as string;
    await world.database.query(fillChannel, [nest, count, String(idFromMillis(bench.clock.now()))]);
    await world.database.query(countPosts, [nest]);
  }
  await world.hooks([READS], nests);
  const timesOf = async (nest: string) => {
    const times: number[] = [];
    for (let number = 0; number < 100; number += 1) {
      const began = bench.clock.monotonic();
      await world.post(nest);
      times.push(bench.clock.monotonic() - began);
    }
    return median(times);
  };
  for (const nest of nests) await timesOf(nest);
  const [few, many]: [number[], number[]] = [[], []];
  for (let round = 1; round <= bench.rounds; round += 1) {
    few.push(await timesOf(nests[0]));
    many.push(await timesOf(nests[1]));
  }
  return [
    figure(`a post, whose hook reads the last 20 of ${MANY_POSTS} (reference: of ${FEW_POSTS})`, 'ms', many, {
      reference: few,
      bar: { of: 'ratio', atMost: 1.5 },
    }),
  ];
};

const setCrons = statement(
  'bench.crons',
  `with due as (
     select h.hook, 'chat/${HOST}/cron' || n as origin, $2::timestamptz + random() * interval '1 minute' as at
     from unnest($1::numeric[]) h (hook), generate_series(1, $3::int) n),
   places as (
     insert into channels (nest, flag, doc)
     select origin, '${FLAG}', '{"view": "list", "sort": "time", "order": null, "writers": []}'::json
     from (select distinct origin from due) places),
   crons as (
     insert into script_crons (hook, origin, schedule, config)
     select hook, origin, json_build_object('next', floor(extract(epoch from at) * 1000), 'repeat', 86400000), '{}' from due)
   insert into timers (kind, key, due, not_before, data) select 'script-cron', hook || '/' || origin, at, at, 'null' from due`,
);
const lateness = statement<{ runs: number; late: number; worst: number }>(
  'bench.lateness',
  `select count(*)::int as runs, percentile_cont(0.99) within group (order by late) as late, max(late) as worst from (
     select extract(epoch from r.at) * 1000 - (c.schedule ->> 'next')::float8 as late
     from script_runs r join script_crons c using (hook, origin)) lates`,
);

/** Once: it takes its minute. */
const takeCrons = async ({ clock, say }: Bench, world: World): Promise<Row[]> => {
  const ids = await world.hooks(
    Array.from({ length: CRON_HOOKS }, () => TICKS),
    [],
  );
  // One of each that comes another day: what has a cron is ready before it is due.
  for (const id of ids) await world.manage({ cron: { id, origin: null, schedule: ONCE_A_YEAR } });
  const begin = clock.now() + 10_000;
  await world.database.query(setCrons, [ids.map((id) => String(parseUv(id))), toIso(begin), CRONS / CRON_HOOKS]);
  for (;;) {
    await clock.sleep(1_000);
    const [row] = await world.database.query(lateness);
    if (row && row.runs >= CRONS) {
      return [
        figure(`${CRONS} crons due in a minute: lateness, p99`, 'ms', [row.late], { bar: { of: 'value', atMost: 50 } }),
        figure('the same, the latest', 'ms', [row.worst]),
      ];
    }
    if (clock.now() > begin + 180_000) throw new Error(`${row?.runs} of ${CRONS} crons ran within three minutes`);
    say(`${row?.runs} of ${CRONS} crons`);
  }
};
