// All channels of this process: what clients ask through them is done in order, and what changes is
// told to those who watch.
import type { Change } from '../../community/changes/change.ts';
import { nextTurn } from '../../core/clock.ts';
import type { Base } from '../../database/base.ts';
import type { Agent, Fact, FactFor } from '../agents/agent.ts';
import type { Session } from '../sessions/sessions.ts';
import { type ChannelAction, MOST_ACTIONS } from './action.ts';
import { type Channel, createChannel, type Stream } from './channel.ts';
import { factText, quitText } from './events.ts';
import type { OpenChannel, Subscription } from './open-channel.ts';
import { createPerform } from './perform.ts';
import { createWatches } from './watches.ts';

export type Channels = {
  /** Does them one after another; answers at once whether it will. */
  readonly put: (
    session: Session,
    uid: string,
    actions: readonly ChannelAction[],
    bytes: number,
  ) => 'accepted' | 'too much';
  /** undefined: the ship has no such channel. */
  readonly attach: (
    session: Session,
    uid: string,
    stream: Stream,
    lastEventId: number | undefined,
  ) => Channel | undefined;
  readonly has: (ship: string, uid: string) => boolean;
  /** What has changed in the community, to those who watch. */
  readonly tell: (changes: readonly Change[]) => Promise<void>;
  /** Facts were lost: clients begin anew. */
  readonly endAll: () => void;
  readonly endSession: (sessionId: string) => void;
  /** Sessions that have an open stream. */
  readonly streaming: () => readonly string[];
  /** Ends each stream when what was asked through its channel is done; none is opened any more. */
  readonly close: () => Promise<void>;
};

export type ChannelsSettings = Omit<Base, 'database'> & { readonly agents: readonly Agent[] };

export const MOST_OF_SESSION = 50;
export const MOST_OF_SHIP = 200;
/** Bytes of actions that wait, in one channel and in all. */
const MOST_WAITING = 4 * 1024 * 1024;
const MOST_WAITING_IN_ALL = 32 * 1024 * 1024;
/** Characters that all channels keep. Beyond it the largest ones end. */
const LARGEST_IN_ALL = 64 * 1024 * 1024;
/**
 * A subscription that has had so many facts that its client has not confirmed, for so long, ends.
 * A client confirms every twenty events, and one that was cut off comes back.
 */
const CLOGGED_FACTS = 50;
const CLOGGED_MS = 120_000;
/** Facts that are handed out before others have a turn, and characters: some milliseconds. */
const TOLD_AT_ONCE = 200;
const CHARACTERS_AT_ONCE = 1_000_000;

type Reason = 'expired' | 'full' | 'crowded' | 'deleted' | 'mistaken' | 'session' | 'gap';

export const createChannels = (settings: ChannelsSettings): Channels => {
  const { clock, metrics, agents } = settings;
  const opened = new Map<string, OpenChannel>();
  const watches = createWatches();
  let isClosing = false;
  let size = 0;
  let waitingBytes = 0;
  metrics.gauge('hookwright_airlock_channels', 'Open channels of the airlock', [], (gauge) => gauge.set(opened.size));
  metrics.gauge('hookwright_airlock_streams', 'Open event streams of the airlock', [], (gauge) =>
    gauge.set([...opened.values()].filter(({ channel }) => channel.hasStream()).length),
  );
  const ends = metrics.counter('hookwright_airlock_channels_ended_total', 'Channels of the airlock that have ended', [
    'reason',
  ]);

  const keyOf = (ship: string, uid: string): string => `${ship} ${uid}`;

  const end = (key: string, reason: Reason) => {
    const open = opened.get(key);
    if (!open) return;
    opened.delete(key);
    ends.inc({ reason });
    for (const subscription of open.subscriptions.values()) watches.remove(subscription);
    open.subscriptions.clear();
    open.channel.end();
  };
  const endThose = (isOne: (open: OpenChannel) => boolean, reason: Reason) => {
    for (const [key, open] of opened) if (isOne(open)) end(key, reason);
  };

  /** Room for one more among these: the oldest that nobody listens to ends. */
  const makeRoom = (most: number, isOne: (open: OpenChannel) => boolean): boolean => {
    const those = [...opened].filter(([, open]) => isOne(open));
    if (those.length < most) return true;
    const idle = those.find(([, { channel }]) => !channel.hasStream());
    if (idle) end(idle[0], 'crowded');
    return idle !== undefined;
  };
  const create = (session: Session, key: string): OpenChannel | undefined => {
    const { id, ship } = session;
    if (!makeRoom(MOST_OF_SESSION, (open) => open.session === id)) return undefined;
    if (!makeRoom(MOST_OF_SHIP, (open) => open.ship === ship)) return undefined;
    const channel = createChannel({
      clock,
      onEnd: (reason) => end(key, reason),
      onGrowth: (characters) => {
        size += characters;
      },
    });
    const open: OpenChannel = {
      ...{ key, channel, ship, session: id },
      ...{ subscriptions: new Map(), waiting: 0, waitingBytes: 0, work: Promise.resolve() },
    };
    opened.set(key, open);
    return open;
  };

  const boundAll = () => {
    if (size <= LARGEST_IN_ALL) return;
    for (const [key] of [...opened].sort(([, left], [, right]) => right.channel.size() - left.channel.size())) {
      if (size <= LARGEST_IN_ALL / 2) return;
      end(key, 'full');
    }
  };

  const unsubscribe = (open: OpenChannel, id: number) => {
    const subscription = open.subscriptions.get(id);
    if (!subscription) return;
    open.subscriptions.delete(id);
    watches.remove(subscription);
  };
  const pushFact = (subscription: Subscription, text: string) => {
    const { open, id } = subscription;
    const { channel } = open;
    if (open.subscriptions.get(id) !== subscription) return; // it has ended meanwhile
    channel.push(text, subscription);
    if (subscription.unacked < CLOGGED_FACTS) return;
    const now = clock.monotonic();
    if (subscription.unacked === CLOGGED_FACTS) subscription.cloggedSince = now;
    if (now - subscription.cloggedSince <= CLOGGED_MS) return;
    unsubscribe(open, id);
    channel.push(quitText(id));
  };
  const perform = createPerform({
    ...settings,
    subscribe: (subscription) => {
      const { open } = subscription;
      if (opened.get(open.key) !== open) return; // it has ended meanwhile
      open.subscriptions.set(subscription.id, subscription);
      watches.add(subscription);
    },
    unsubscribe,
    countOf: watches.countOf,
  });

  const tellFacts = async (app: string, facts: readonly FactFor[]): Promise<void> => {
    /** A part of what may be told before others have a turn. */
    let told = 0;
    let last: { readonly fact: Fact; readonly textFor: ReturnType<typeof factText> } | undefined;
    for (const { watcher, fact } of facts) {
      const subscriptions = watches.of(app, watcher);
      if (subscriptions.length === 0) continue;
      if (last?.fact !== fact) {
        last = { fact, textFor: factText(fact) };
        told += last.textFor(0).length / CHARACTERS_AT_ONCE;
      }
      const { textFor } = last;
      for (const subscription of subscriptions) {
        const text = textFor(subscription.id);
        subscription.open.channel.pushLater(text.length, () => pushFact(subscription, text));
        boundAll();
        told += 1 / TOLD_AT_ONCE + text.length / (10 * CHARACTERS_AT_ONCE);
        if (told < 1) continue;
        told = 0;
        await nextTurn();
      }
    }
  };

  return {
    put: (session, uid, actions, bytes) => {
      const key = keyOf(session.ship, uid);
      if (isClosing || waitingBytes + bytes > MOST_WAITING_IN_ALL) return 'too much';
      const open = opened.get(key) ?? create(session, key);
      if (!open || open.waiting + actions.length > MOST_ACTIONS || open.waitingBytes + bytes > MOST_WAITING) {
        return 'too much';
      }
      open.session = session.id;
      open.channel.touch();
      open.waiting += actions.length;
      open.waitingBytes += bytes;
      waitingBytes += bytes;
      open.work = open.work.then(async () => {
        for (const action of actions) {
          if (opened.get(key) === open) {
            if (action.action === 'delete') end(key, 'deleted');
            else await perform(open, action);
          }
          open.waiting -= 1;
        }
        open.waitingBytes -= bytes;
        waitingBytes -= bytes;
        boundAll();
      });
      return 'accepted';
    },
    attach: (session, uid, stream, lastEventId) => {
      const key = keyOf(session.ship, uid);
      const open = opened.get(key);
      if (!open || isClosing) return undefined;
      open.session = session.id;
      if (open.channel.attach(stream, lastEventId)) return open.channel;
      end(key, 'mistaken');
      return undefined;
    },
    has: (ship, uid) => opened.has(keyOf(ship, uid)),
    tell: async (changes) => {
      await Promise.all(
        agents.map(async ({ name, factsOf }) => {
          const watchers = watches.watchersOf(name);
          if (!factsOf || watchers.length === 0) return;
          await tellFacts(name, await factsOf(changes, watchers));
        }),
      );
    },
    endAll: () => endThose(() => true, 'gap'),
    endSession: (sessionId) => endThose(({ session }) => session === sessionId, 'session'),
    streaming: () => [
      ...new Set([...opened.values()].filter(({ channel }) => channel.hasStream()).map(({ session }) => session)),
    ],
    close: async () => {
      isClosing = true;
      await Promise.all(
        [...opened.values()].map(async (open) => {
          await open.work;
          open.channel.end();
        }),
      );
    },
  };
};
