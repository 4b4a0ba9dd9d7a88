// What must be true of the database after everything that users were told. It knows the marks of
// the posts, and nothing of how the server works.
import pg from 'pg';
import type { Connection } from '../oracle.ts';
import { HOST, NESTS } from './hooks.ts';
import type { Said } from './users.ts';

type Kept = { readonly nest: string; readonly id: string; readonly author: string; readonly text: string };

type FailedRun = { readonly event: string | null; readonly reason: string | null };

/** The hooks take some ms: these are said of a machine that had no time for them. */
const FOR_WANT_OF_TIME = /took longer|stopped from outside/;

export type Verdict = { readonly problems: readonly string[]; readonly posts: number; readonly ticks: number };

const TEXT = `(select string_agg(t, '') from json_array_elements(%) v, json_array_elements_text(v -> 'inline') t)`;
const text = (content: string) => TEXT.replace('%', content);

/** How many effects and runs wait. */
export const countWaiting = async (connection: Connection): Promise<number> =>
  withClient(connection, async (query) => {
    const [row] = await query<{ left: string }>(
      `select (select count(*) from script_jobs where kind <> 'cron') + (select count(*) from script_waits) as left`,
    );
    return Number(row?.left);
  });

export const judge = async (said: readonly Said[], connection: Connection): Promise<Verdict> =>
  withClient(connection, async (query) => {
    const posts = await query<Kept>(
      `select nest, id::text, author, ${text(`doc -> 'essay' -> 'content'`)} as text
       from posts where doc is not null order by nest, id`,
    );
    const replies = await query<Kept & { post: string }>(
      `select nest, post::text, id::text, author, ${text(`doc -> 'content'`)} as text from replies where doc is not null`,
    );
    const reacts = await query<{ nest: string; id: string; ship: string; react: string | null }>(
      `select nest, id::text, key as ship, value ->> 'react' as react
       from posts, json_each(doc -> 'seal' -> 'reacts') where doc is not null`,
    );
    const states = await query<{ name: string; state: unknown }>(
      'select name, state from script_hooks join script_states on id = hook',
    );
    const [cron] = await query<{ first: number; runs: string }>(
      `select schedule ->> 'next' as first, (select count(*) from script_runs r where r.hook = c.hook) as runs
       from script_crons c`,
    );
    const failed = await query<FailedRun>(
      `select event::text as event, reason from script_runs join script_hooks h on h.id = hook
       where h.name = 'counts' and outcome = 'failed'`,
    );
    const counts = (states.find(({ name }) => name === 'counts')?.state ?? []) as string[];
    const ticks = (states.find(({ name }) => name === 'ticks')?.state ?? []) as number[];
    return {
      posts: posts.length,
      ticks: ticks.length,
      problems: [
        ...judgeSaid(said, posts, replies),
        ...judgeStates(said, [...posts, ...replies], { counts, failed }),
        ...judgeEffects(posts, replies),
        ...judgeReactions(said, reacts),
        ...judgeTicks(ticks, Number(cron?.first), Number(cron?.runs)),
      ],
    };
  });

const judgeSaid = (said: readonly Said[], posts: readonly Kept[], replies: readonly Kept[]): string[] =>
  said.flatMap((one) => {
    if (one.kind === 'react') return [];
    const kept = (one.kind === 'post' ? posts : replies).filter((post) => post.text === one.mark);
    const what = `${one.kind} ${one.mark}`;
    if (kept.length > 1) return [`${what} is there ${kept.length} times`];
    if (one.outcome === 'refused') return [`${what} was refused: ${one.reason}`];
    if (one.outcome === 'done' && kept.length === 0) return [`${what} was acknowledged and is not there`];
    if (one.outcome === 'done' && kept[0]?.id !== one.id)
      return [`${what} was acknowledged as ${one.id}, and is ${kept[0]?.id}`];
    if (one.mark.endsWith('d') && kept.length > 0) return [`${what} is there though it was denied`];
    if (one.outcome === 'denied' && one.reason !== `no ${one.mark}`) return [`${what} was denied: ${one.reason}`];
    return kept.some(({ nest, author }) => nest !== one.nest || author !== one.by)
      ? [`${what} is not what was sent`]
      : [];
  });

type Counted = { readonly counts: readonly string[]; readonly failed: readonly FailedRun[] };

/**
 * The hook that counts saw every post that is there, once, and else only what was denied. An event
 * passes where a run is stopped for want of time; then its row says so.
 */
const judgeStates = (said: readonly Said[], kept: readonly Kept[], { counts, failed }: Counted): string[] => {
  const times = new Map<string, number>();
  for (const mark of counts) times.set(mark, (times.get(mark) ?? 0) + 1);
  const marks = new Set(kept.filter(({ author }) => author !== HOST).map((post) => post.text));
  // On the second channel the hook that denies comes first, and this one sees nothing of it.
  const seen = (one: Said) => one.outcome === 'denied' && one.nest === NESTS[0];
  for (const one of said) if (one.kind !== 'react' && seen(one)) marks.add(one.mark);
  const maySee = new Set(
    said.filter(({ outcome, mark }) => outcome === 'unknown' && mark.endsWith('d')).map(({ mark }) => mark),
  );
  return [
    ...[...times].filter(([, count]) => count > 1).map(([mark, count]) => `the state has ${mark} ${count} times`),
    ...[...marks]
      .filter((mark) => !times.has(mark))
      .flatMap((mark) => {
        const reasons = failed.filter(({ event }) => event?.includes(`"${mark}"`)).map(({ reason }) => reason ?? '');
        if (reasons.some((reason) => FOR_WANT_OF_TIME.test(reason))) return [];
        return [`the state lacks ${mark}; its run says ${reasons[0] ?? 'nothing'}`];
      }),
    ...[...times.keys()]
      .filter((mark) => !marks.has(mark) && !maySee.has(mark))
      .map((mark) => `the state has ${mark}, which is not there`),
  ];
};

/** What each post or reply asks for is there once, in order, and nothing else is. */
const judgeEffects = (posts: readonly Kept[], replies: readonly Kept[]): string[] => {
  const asked = [...posts, ...replies].filter(({ author }) => author !== HOST);
  const wanted = asked.flatMap(({ nest, text: mark }) => {
    if (mark.endsWith('e')) return [`${nest} echo ${mark}`, `${nest} again ${mark}`];
    return mark.endsWith('w') ? [`${nest} woke ${mark}`] : [];
  });
  const done = posts.filter(({ author }) => author === HOST).map((post) => `${post.nest} ${post.text}`);
  const count = (effect: string) => done.filter((one) => one === effect).length;
  const place = new Map(done.map((effect, index) => [effect, index]));
  const isWanted = new Set(wanted);
  return [
    ...wanted.filter((effect) => count(effect) !== 1).map((effect) => `"${effect}" was done ${count(effect)} times`),
    ...done.filter((effect) => !isWanted.has(effect)).map((effect) => `"${effect}" was done, and nobody asked for it`),
    ...wanted
      .filter(
        (effect) =>
          effect.includes(' again ') &&
          (place.get(effect) ?? 0) < (place.get(effect.replace(' again ', ' echo ')) ?? 0),
      )
      .map((effect) => `"${effect}" came before its echo`),
  ];
};

const judgeReactions = (
  said: readonly Said[],
  reacts: readonly {
    readonly nest: string;
    readonly id: string;
    readonly ship: string;
    readonly react: string | null;
  }[],
): string[] => {
  const mine = Map.groupBy(
    said.filter(({ kind }) => kind === 'react'),
    ({ nest, on, by }) => `${nest} ${on} ${by}`,
  );
  return [...mine].flatMap(([key, all]) => {
    const found = reacts.find(({ nest, id, ship }) => `${nest} ${id} ${ship}` === key)?.react;
    // Of users with one ship several may react to a post: any of the last ones may be the last.
    const last = all.findLastIndex(({ outcome }) => outcome === 'done');
    const possible =
      last < 0 ? [undefined, ...all.map(({ react }) => react)] : all.slice(last).map(({ react }) => react);
    return possible.includes(found ?? undefined) ? [] : [`the reaction ${key} is ${found}, not one of ${possible}`];
  });
};

/** A run has an occurrence of its own, and its state and its row are one commit. */
const judgeTicks = (ticks: readonly number[], first: number, runs: number): string[] => {
  const occurrences = Math.floor(((ticks.at(-1) ?? first) - first) / 1000) + 1;
  return [
    ...(ticks.length > occurrences ? [`the cron ran ${ticks.length} times for ${occurrences} occurrences`] : []),
    ...(ticks.length !== runs ? [`the cron noted ${ticks.length} runs, and the ledger has ${runs}`] : []),
    ...ticks.flatMap((tick, index) => {
      const before = ticks[index - 1] ?? 0;
      return tick > before ? [] : [`the cron ran at ${tick} after ${before}`];
    }),
  ];
};

export type Query = <Row extends pg.QueryResultRow>(sql: string) => Promise<Row[]>;

export const withClient = async <T>(connection: Connection, work: (query: Query) => Promise<T>): Promise<T> => {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return await work(async (sql) => (await client.query(sql)).rows as never);
  } finally {
    await client.end();
  }
};
