// What the mode chooses: who authenticates callers, and where tasks and mail go.
import type { Broker } from '../broker/broker.ts';
import type { Config } from '../config.ts';
import type { SecretBox } from '../core/secret-box.ts';
import type { Base } from '../database/base.ts';
import type { ApiService, Authenticate, Satisfies, SignedRequest } from '../http/api-method.ts';
import type { Elsewhere } from '../http/serve-elsewhere.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { Queue } from '../queue/queue.ts';
import type { Timers } from '../timers/create-timers.ts';

export type Mode = AsyncDisposable & {
  readonly authenticate: Authenticate;
  readonly satisfies: Satisfies;
  /** Lets the caller send the very same request again: the answer was a 5xx. */
  readonly forgive: (request: SignedRequest) => void;
  /** What a role stands for; where roles live `elsewhere`, it is asked there. */
  readonly scopesOfRole: (role: string) => Promise<readonly string[]>;
  readonly queue: Queue;
  /** undefined: no mail is sent. */
  readonly mailer: Mailer | undefined;
  /** What is served besides hooks and messages. */
  readonly apis: readonly ApiService[];
  /** Services that people may look for here, and that are elsewhere. */
  readonly elsewhere?: Elsewhere;
  /** Throws an ApiError that says what of the rest of the deployment does not answer. */
  readonly checkHealth: () => Promise<void>;
  /**
   * To be called when the API is served at that URL. Answers the file with the credentials of
   * whoever may do everything, if there is one.
   */
  readonly open: (rootUrl: string) => Promise<string | undefined>;
};

export type ModeSettings = Base & {
  readonly config: Config;
  readonly timers: Timers;
  readonly broker: Broker;
  readonly secretBox: SecretBox;
  /** Where clients reach the server; known once it listens. */
  readonly rootUrl: () => string;
  /** Resolves when a task that was not there may be there after all: its fire was under way. */
  readonly whenTaskMissing: (taskId: string) => Promise<void>;
  /** The server has been told to end. */
  readonly ending: AbortSignal;
};
