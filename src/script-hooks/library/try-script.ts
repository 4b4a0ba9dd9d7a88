// Tries a script on what happened in a channel: what it would have done. Touches nothing.

import { readChannel } from '../../community/channels/channel-store.ts';
import { createPostPages, type PostPages } from '../../community/channels/post-pages.ts';
import { readGroup } from '../../community/groups/group-store.ts';
import { hostOf } from '../../community/groups/membership.ts';
import { millisFromId } from '../../community/schema/id.ts';
import type { Event } from '../../community/types/event.ts';
import type { Clock } from '../../core/clock.ts';
import { diffLines } from '../../core/diff-lines.ts';
import type { Database } from '../../database/database.ts';
import { buildHook } from '../build-hook.ts';
import { eventKindName } from '../sandbox/lazy-event.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Bowl, Dropped, Outcome } from '../types.ts';
import { type Config, type Refused, refused } from './actions.ts';
import { outcomeOf, type RunOutcome, reasonOf } from './run-rows.ts';
import { type RunOfEvent, readLatestRuns, readRun } from './runs.ts';

export type Trial = {
  readonly src: string;
  readonly nest: string;
  /** How many events, the latest. */
  readonly last: number;
  readonly config: Config;
};

export type TriedEvent = {
  /** ms */
  readonly at: number;
  readonly ship: string;
  readonly eventKind: string;
  readonly outcome: RunOutcome;
  readonly reason: string | null;
  /** Of the event, a line each. */
  readonly changes: readonly string[];
  readonly effects: readonly unknown[];
  readonly prints: readonly string[];
  readonly dropped: readonly Dropped[];
  /** It may have had more time than a run has. */
  readonly durationMs: number;
};

export type TrialResult = {
  readonly kind: 'tried';
  /** Whether the events are those that hooks saw here, or its posts, as if each came anew. */
  readonly from: 'runs' | 'posts';
  /** Oldest first. */
  readonly events: readonly TriedEvent[];
  /** The state that it would have now, having begun with none. */
  readonly state: unknown;
  /** Why not all were tried; null: they were. */
  readonly endedEarly: string | null;
};

export type TrySettings = {
  readonly database: Database;
  readonly sandbox: Sandbox;
  readonly clock: Clock;
  readonly our: string;
};

const LONGEST_MS = 20_000;
const LARGEST_RESULT = 1024 * 1024;
const MOST_CHANGES = 20;
/** Runs that are looked at for each event: as many hooks may have seen it. */
const RUNS_PER_EVENT = 10;

type PastEvent = { readonly event: Event; readonly at: number; readonly src: string };

/** Rejects with a ScriptHookError when the script does not compile. */
export const tryScript = async (
  settings: TrySettings,
  trial: Trial,
  gone: AbortSignal,
): Promise<TrialResult | Refused> => {
  const { database, sandbox, clock, our } = settings;
  // The database takes no NUL in a text: nothing has such a name.
  const channel = trial.nest.includes('\0') ? undefined : await readChannel(database, trial.nest);
  if (channel === undefined || hostOf(trial.nest) !== our) {
    return refused(`There is no channel ${trial.nest} of ${our}`, true);
  }
  await using hook = await buildHook(trial.src, { sandbox });
  const { from, events: past } = await pastEvents(database, trial, channel.posts);
  const bowl = await surroundings(settings, trial, channel);
  const { timerDeadlineMs: deadlineMs } = sandbox.limits;
  const until = clock.monotonic() + LONGEST_MS;
  const events: TriedEvent[] = [];
  let [stateJson, bytes] = ['null', 0];
  let endedEarly: string | null = null;
  for await (const one of past) {
    if (gone.aborted) break;
    if (clock.monotonic() > until) endedEarly = `the time for a trial, ${LONGEST_MS / 1000} s, is up`;
    else if (bytes > LARGEST_RESULT) endedEarly = 'the answer is as large as an answer may be';
    if (endedEarly !== null) break;
    const outcome = await hook.run({ event: one.event, bowl: { ...bowl(one), stateJson }, deadlineMs });
    stateJson = outcome.stateJson ?? stateJson;
    const tried = triedOf(one, outcome);
    bytes += Buffer.byteLength(JSON.stringify(tried));
    events.push(tried);
  }
  return { kind: 'tried', from, events, state: JSON.parse(stateJson), endedEarly };
};

const triedOf = ({ event, at, src }: PastEvent, outcome: Outcome): TriedEvent => ({
  ...{ at, ship: src, eventKind: eventKindName(event) ?? '', outcome: outcomeOf(outcome) },
  reason: reasonOf(outcome),
  changes: outcome.outcome === 'allowed' ? diffLines(event, outcome.event, MOST_CHANGES) : [],
  ...{ effects: outcome.effects, prints: outcome.prints, dropped: outcome.dropped, durationMs: outcome.durationMs },
});

/** Members and messages are those of today. */
const surroundings = async (
  { database, our }: TrySettings,
  { nest, config }: Trial,
  { flag, posts }: { readonly flag: string; readonly posts: number },
): Promise<(event: PastEvent) => Bowl> => {
  const group = await readGroup(database, flag);
  return ({ at, src }) => ({
    ...{ our, src, now: at, state: null, config, hook: { id: '0v0', name: 'trial' } },
    channel: { nest, posts: () => createPostPages(database, nest, posts) },
    group: group ? { flag, fleet: group.group.fleet } : null,
  });
};

const pastEvents = async (
  database: Database,
  { nest, last }: Trial,
  posts: number,
): Promise<{ readonly from: TrialResult['from']; readonly events: AsyncIterable<PastEvent> }> => {
  const rows = await readLatestRuns(database, nest, last * RUNS_PER_EVENT);
  const ids = firstRuns(rows).slice(0, last).reverse();
  if (ids.length > 0) return { from: 'runs', events: eventsOfRuns(database, ids) };
  return { from: 'posts', events: eventsOfPosts(createPostPages(database, nest, posts), last) };
};

/**
 * Of the runs of one event the first, which saw it as it came; newest first. The hooks of a channel
 * see one event after the other.
 */
const firstRuns = (newestFirst: readonly RunOfEvent[]): number[] => {
  const first: number[] = [];
  let last = '';
  const seen = new Set<string>();
  for (const { id, at, src, event_kind: kind, hook } of newestFirst.toReversed()) {
    const event = `${at} ${src} ${kind}`;
    if (event !== last || seen.has(hook)) {
      seen.clear();
      if (kind.startsWith('on-')) first.push(id);
    }
    last = event;
    seen.add(hook);
  }
  return first.reverse();
};

async function* eventsOfRuns(database: Database, ids: readonly number[]): AsyncIterable<PastEvent> {
  for (const id of ids) {
    const run = await readRun(database, id);
    if (run?.event) yield { event: run.event, at: run.at, src: run.src };
  }
}

/** Events of the posts that are there, as if each came anew. */
async function* eventsOfPosts({ length, page }: PostPages, last: number): AsyncIterable<PastEvent> {
  for (let place = Math.max(0, length - last); place < length; ) {
    const posts = await page(place, length, 'start');
    if (posts.length === 0) return;
    place += posts.length;
    for (const { seal, essay } of posts) {
      const add = { seal: { id: seal.id, replies: {}, reacts: {} }, revision: '0', essay };
      yield { event: { 'on-post': { add } }, at: millisFromId(BigInt(seal.id)), src: essay.author };
    }
  }
}
