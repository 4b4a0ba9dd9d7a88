// What a client asks through a channel, done: each poke and subscription is answered by one event,
// and facts that it causes come after that.
import { normalizeShip } from '../../community/schema/ship.ts';
import { newUuid } from '../../core/ids.ts';
import type { Base } from '../../database/base.ts';
import { whyUnavailable } from '../../database/is-away.ts';
import { ApiError } from '../../http/api-error.ts';
import { cut } from '../../http/cut.ts';
import { type Agent, type PokeResult, refuse, type WatchResult } from '../agents/agent.ts';
import type { ChannelAction, Poke, Subscribe } from './action.ts';
import { ackText, factText, nackText, quitText } from './events.ts';
import type { OpenChannel, Subscription } from './open-channel.ts';

export type PerformSettings = Omit<Base, 'database'> & {
  readonly agents: readonly Agent[];
  readonly subscribe: (subscription: Subscription) => void;
  readonly unsubscribe: (open: OpenChannel, id: number) => void;
  /** How many subscriptions a ship has. */
  readonly countOf: (ship: string) => number;
};

/** Never rejects. */
export type Perform = (open: OpenChannel, action: Exclude<ChannelAction, { action: 'delete' }>) => Promise<void>;

const MOST_SUBSCRIPTIONS = 300;
/** Each change is held against all of them. Clients have ten or so in a channel. */
export const MOST_SUBSCRIPTIONS_OF_SHIP = 3_000;
const LONGEST_PATH = 1_000;
const LONGEST_NAME = 100;
const LONGEST_REASON = 1_000;

export const createPerform = (settings: PerformSettings): Perform => {
  const { agents, subscribe, unsubscribe, countOf, log, metrics } = settings;
  const byName = new Map(agents.map((agent) => [agent.name, agent]));
  const pokes = metrics.counter('hookwright_airlock_pokes_total', 'Pokes through the airlock', ['agent', 'result']);

  /** Who cannot be asked. */
  const refusalOf = (open: OpenChannel, { ship, app }: Poke | Subscribe): string | undefined => {
    if (normalizeShip(ship) !== open.ship) return `You are ${open.ship} here, and can ask only its agents.`;
    return byName.has(app) ? undefined : `There is no agent ${cut(app, LONGEST_NAME)} here.`;
  };

  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | ReturnType<typeof refuse>> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ApiError) return refuse(error.message);
      const why = whyUnavailable(error);
      if (why !== undefined) {
        log.warn({ err: error }, `${what} failed: database unavailable`);
        return refuse(`${why} Try again later.`);
      }
      const incidentId = newUuid();
      log.error({ err: error, incidentId }, `${what} failed inside`);
      return refuse(`Internal error, incidentId ${incidentId}.`);
    }
  };

  const poke = async (open: OpenChannel, asked: Poke): Promise<void> => {
    const { id, app, mark, json } = asked;
    const agent = byName.get(app);
    const refusal = refusalOf(open, asked);
    const result: PokeResult =
      refusal !== undefined
        ? refuse(refusal)
        : ((await attempt('a poke', async () => agent?.poke?.(mark, json, open.ship))) ??
          refuse(`The agent ${app} knows no mark ${cut(mark, LONGEST_NAME)}.`));
    pokes.inc({ agent: agent?.name ?? 'other', result: result.kind });
    open.channel.push(result.kind === 'done' ? ackText('poke', id) : nackText('poke', id, oneLine(result.reason)));
  };

  /**
   * It counts from the moment at which it was asked: what changes while the agent looks at it comes
   * after the ack.
   */
  const subscribeTo = async (open: OpenChannel, asked: Subscribe): Promise<void> => {
    const { id, app, path } = asked;
    const { channel, ship, subscriptions } = open;
    const refuseIt = (reason: string) => channel.push(nackText('subscribe', id, oneLine(reason)));
    const refusal = refusalOf(open, asked) ?? boundRefusal(subscriptions, countOf(ship), asked);
    if (refusal !== undefined) return refuseIt(refusal);
    subscribe({ open, id, app, watcher: { ship, path }, unacked: 0, cloggedSince: 0 });
    const watch = byName.get(app)?.watch;
    const watching = async (): Promise<WatchResult> => (await watch?.(path, ship)) ?? { kind: 'watching' };
    const result = await attempt('a subscription', watching);
    if (result.kind !== 'watching') unsubscribe(open, id);
    if (result.kind === 'refused') return refuseIt(result.reason);
    channel.push(ackText('subscribe', id));
    if (result.kind === 'watching') return;
    channel.push(factText(result.fact)(id));
    channel.push(quitText(id));
  };

  return async (open, action) => {
    open.channel.hold();
    try {
      if (action.action === 'poke') await poke(open, action);
      else if (action.action === 'subscribe') await subscribeTo(open, action);
      else if (action.action === 'unsubscribe') unsubscribe(open, action.subscription);
      else open.channel.ack(action.eventId);
    } finally {
      open.channel.release();
    }
  };
};

const boundRefusal = (
  subscriptions: OpenChannel['subscriptions'],
  ofShip: number,
  { id, path }: Subscribe,
): string | undefined => {
  if (subscriptions.has(id)) return `There is a subscription ${id} already.`;
  if (subscriptions.size >= MOST_SUBSCRIPTIONS) return `A channel has at most ${MOST_SUBSCRIPTIONS} subscriptions.`;
  if (ofShip >= MOST_SUBSCRIPTIONS_OF_SHIP) return `A ship has at most ${MOST_SUBSCRIPTIONS_OF_SHIP} subscriptions.`;
  if (path.includes('\0')) return 'A path has no NUL.';
  return path.length > LONGEST_PATH ? `A path has at most ${LONGEST_PATH} characters.` : undefined;
};

/** Cut first: a reason may repeat what was sent, and that may be long. */
const oneLine = (reason: string): string => cut(reason, LONGEST_REASON).replace(/\s*\n\s*/g, ' ');
