// What the test did to the servers, counted where it was done. The oracle knows no more than this
// and what can be read afterwards.

export const GROUP = 'chaos';
/** The test's own, on which messages come in. */
export const EXCHANGE = 'exchange/chaos/v1/things';

/**
 * What becomes of an event when all goes well: a task, a template that renders to nothing, a
 * payload that the trigger schema refuses.
 */
export const KINDS = ['fits', 'declines', 'misfits'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * `patient`: chooses the taskId and asks again until there is an answer, as real clients do, at
 * times twice at once. `once`: chooses the taskId and asks once. `plain`: lets the server choose,
 * and asks once. `insistent`: lets the server choose, and asks again; each request may make a task.
 */
export type Manner = 'patient' | 'once' | 'plain' | 'insistent';

export type Payload = {
  readonly mark: string;
  readonly kind: Kind;
  readonly list: readonly number[] | string;
  readonly taskId?: string;
  readonly text?: string;
};

/** A trigger of one hook, by the API or by a webhook. */
export type Call = {
  readonly hookId: string;
  readonly door: 'call' | 'webhook';
  readonly manner: Manner;
  readonly payload: Payload;
  /** How often it was put on the wire. */
  requests: number;
  /** The taskIds of answers 200. */
  readonly acknowledged: string[];
  /** Answers 200 without a task. */
  declined: number;
  /** Answers 400 about the payload. */
  refused: number;
  /** All other answers that were no 5xx. */
  readonly strange: string[];
};

/** One body on the exchange, for these hooks. */
export type Message = {
  readonly hookIds: readonly string[];
  readonly routingKey: string;
  readonly payload: Payload;
  /**
   * Published again under the same one it is the same message; without one, each is a message of
   * its own.
   */
  readonly messageId: string | undefined;
  /** How often it was put on the wire, and how often the broker said that it has it. */
  published: number;
  confirmed: number;
};

/**
 * A hook that fires each second. In ms: when the first request to make it was sent and the last one
 * answered; the same of ending its schedule.
 */
export type Schedule = {
  readonly hookId: string;
  readonly begun: { from: number; to: number };
  readonly ended: { from: number; to: number };
};

export const ACTIONS = ['created', 'updated', 'deleted'] as const;
export type Action = (typeof ACTIONS)[number];

/** A change of a hook by the API. */
export type Change = { readonly hookId: string; readonly action: Action; requests: number; answered: number };

/** What the service itself published about a hook. */
export type Told = { readonly hookId: string; readonly action: Action };

/**
 * A task of the queue. `scopes`: with which each request to create it was authorized; undefined
 * where the queue does not tell.
 */
export type Task = {
  readonly taskId: string;
  // biome-ignore lint/suspicious/noExplicitAny: a task is what the template made of it.
  readonly definition: any;
  readonly scopes: readonly (readonly string[])[] | undefined;
};

export type Events = {
  readonly calls: Call[];
  readonly messages: Message[];
  readonly schedules: Schedule[];
  readonly changes: Change[];
  readonly told: Told[];
};

export const noEvents = (): Events => ({ calls: [], messages: [], schedules: [], changes: [], told: [] });
