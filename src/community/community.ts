// The community: ships, groups and their channels, conversations, contacts and activity. What a
// user does and what a hook asks for run through the same function here.
import type { Broker } from '../broker/broker.ts';
import type { Base } from '../database/base.ts';
import type { Transaction } from '../database/database.ts';
import { type ActIn, type Acting, type ActResult, DONE, refuse } from './acting.ts';
import { actOnChannels } from './actions/channel-actions.ts';
import { actOnEntry, actOnGroups, actOnSections } from './actions/group-actions.ts';
import { actOnActivity } from './activity/act.ts';
import { actOnClub } from './chat/club-act.ts';
import { actOnDm } from './chat/dm.ts';
import { actOnContacts } from './contacts/act.ts';
import { createGroupCache } from './groups/group-store.ts';
import { type Attempts, createAttempts } from './turns/attempts.ts';
import { createCommitTurns } from './turns/commit-turns.ts';
import { createPublishEvents } from './turns/publish-events.ts';
import { createReadTurn, type ReadTurn } from './turns/read-turn.ts';
import { createTakeTurn, type TurnResult } from './turns/take-turn.ts';
import type { TurnHooks } from './turns/turn-hooks.ts';
import type { Action } from './types/effect.ts';

export type CommunitySettings = Base & {
  readonly broker: Pick<Broker, 'publish' | 'boundAmong'>;
  /** Those that run on channels; undefined: none do. */
  readonly hooks?: TurnHooks | undefined;
};

/** Does all, or none, for the reason of the first that is not done. Several are no posts. */
export type Act = (action: Action | readonly Action[], as: As) => Promise<TurnResult>;

export type As = {
  /** The ship that acts. */
  readonly actor: string;
  /** How many effects of hooks led to this; default 0: somebody does it. */
  readonly depth?: number;
  /** How many more may come of it; default: as many as of any event. */
  readonly effectsLeft?: number | undefined;
  /** The effect that this is: it is done with the commit, whatever comes of it. */
  readonly effect?: string;
};

export type Community = {
  readonly act: Act;
  /** For runs of hooks that no action in a channel causes. */
  readonly attempts: Attempts;
  readonly readTurn: ReadTurn;
};

export const createCommunity = (settings: CommunitySettings): Community => {
  const { database, clock, broker, hooks } = settings;
  const commits = createCommitTurns({ database, hooks, publish: createPublishEvents(broker) });
  const readTurn = createReadTurn(createGroupCache());
  const attempts = createAttempts({ database, hooks, commits });
  const takeTurn = createTakeTurn({ database, clock, readTurn, hooks, attempts });

  /** A refusal writes nothing, and the effect that it answers is done all the same. */
  const actAlone = async (
    actions: readonly Action[],
    acting: Acting,
    effect: string | undefined,
  ): Promise<ActResult> => {
    const end = async (tx: Transaction, refusal?: string) =>
      effect === undefined || (await hooks?.endEffects(tx, [{ id: effect, refusal }]))?.has(effect);
    try {
      return await database.transaction(async (tx) => {
        if (!(await end(tx))) return { kind: 'done' };
        let result = DONE;
        for (const action of actions) {
          result = await actIn(tx, action, acting);
          if (result.kind === 'refused') throw new Refused(result.reason);
        }
        return result;
      });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (effect !== undefined) await database.transaction((tx) => end(tx, error.message));
      return { kind: 'refused', reason: error.message };
    }
  };

  return {
    attempts,
    readTurn,
    act: async (asked, { actor, depth = 0, effectsLeft, effect }) => {
      const [action, ...more] = 'length' in asked ? asked : [asked];
      if (!action) return DONE;
      const post = postOf(action);
      if (post && more.length === 0) return takeTurn({ ...post, actor, depth, effectsLeft, effect });
      if ([action, ...more].some(postOf)) return refuse('A post is not done together with other actions.');
      return actAlone([action, ...more], { actor, now: clock.now() }, effect);
    },
  };
};

const postOf = (action: Action) => {
  if (!('channels' in action && 'channel' in action.channels && 'post' in action.channels.channel.action)) return;
  const { nest, action: asked } = action.channels.channel;
  return { nest, action: asked.post };
};

const actIn: ActIn<Action> = (tx, action, acting) => {
  if ('groups' in action) return actOnGroups(tx, action.groups, acting);
  if ('entry' in action) return actOnEntry(tx, action.entry, acting);
  if ('sections' in action) return actOnSections(tx, action.sections, acting);
  if ('channels' in action) return actOnChannels(tx, action.channels, acting);
  if ('activity' in action) return actOnActivity(tx, action.activity, acting);
  if ('dm' in action) return actOnDm(tx, action.dm, acting);
  if ('club' in action) return actOnClub(tx, action.club, acting);
  return actOnContacts(tx, action.contacts, acting);
};

class Refused extends Error {
  override readonly name = 'Refused';
}
