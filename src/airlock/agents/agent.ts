// An agent: one of the programs that clients of a ship know by name, with what they read of it, ask
// of it and watch.
import type { Change } from '../../community/changes/change.ts';

/** undefined in a key: left out, as in JSON. */
export type Json = unknown;

export type Refused = {
  readonly kind: 'refused';
  /** One line for whoever asked. */
  readonly reason: string;
};

export type PokeResult = { readonly kind: 'done' } | Refused;

export type WatchResult =
  | { readonly kind: 'watching' }
  /** One fact, and the subscription is over. */
  | { readonly kind: 'once'; readonly fact: Fact }
  | Refused;

export type Fact = {
  /** undefined: the fact is JSON by birth. */
  readonly mark?: string;
  readonly json: Json;
};

/** Who watches what. */
export type Watcher = { readonly ship: string; readonly path: string };

export type FactFor = { readonly watcher: Watcher; readonly fact: Fact };

export type Agent = {
  readonly name: string;
  /**
   * What the ship reads at a path: `/v2/groups`, without `.json`. undefined: there is nothing, or
   * nothing that this ship may see.
   */
  readonly scry?: (path: string, ship: string) => Promise<Json | undefined>;
  /** undefined: it knows no such mark. `json` is whatever the client sent. */
  readonly poke?: (mark: string, json: Json, ship: string) => Promise<PokeResult | undefined>;
  /** Unknown paths may be watched: nothing comes. */
  readonly watch?: (path: string, ship: string) => Promise<WatchResult>;
  /**
   * What these changes mean to those who watch: in their order, each watcher at most once for each
   * fact. Watchers are distinct.
   */
  readonly factsOf?: (changes: readonly Change[], watchers: readonly Watcher[]) => Promise<readonly FactFor[]>;
};

/** What a client runs for its answer: `/spider/<desk>/<input mark>/<name>/<output mark>`. */
export type Thread = {
  readonly desk: string;
  readonly name: string;
  readonly run: (json: Json, ship: string) => Promise<{ readonly kind: 'done'; readonly json: Json } | Refused>;
};

export const DONE: PokeResult = { kind: 'done' };

export const refuse = (reason: string): Refused => ({ kind: 'refused', reason });
