// A channel with what is known of it here: whose it is, what it watches and what is done for it.
import type { Watcher } from '../agents/agent.ts';
import type { Channel, Counted } from './channel.ts';

export type OpenChannel = {
  /** Ship and name. */
  readonly key: string;
  readonly channel: Channel;
  readonly ship: string;
  readonly subscriptions: Map<number, Subscription>;
  /** Which session has used it last. */
  session: string;
  /** The actions that wait or are being done, and the bytes in which they came. */
  waiting: number;
  waitingBytes: number;
  /** Resolves when they are. */
  work: Promise<void>;
};

export type Subscription = Counted & {
  readonly open: OpenChannel;
  readonly id: number;
  readonly app: string;
  readonly watcher: Watcher;
  /** Since when it has too many facts that are not confirmed, if it has. */
  cloggedSince: number;
};
