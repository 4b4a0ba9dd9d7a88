// What the airlock needs of the server's script hooks.
import type { Refused } from '../agent.ts';

export type HookConfig = Readonly<Record<string, unknown>>;

type Hook = { readonly config: Readonly<Record<string, HookConfig>> };
type Cron = { readonly config: HookConfig };

export type HooksPort = {
  /** The ship whose hooks these are. */
  readonly our: string;
  /** Does an action in the JSON of the clients, which is not trusted. */
  readonly act: (action: unknown, ship: string) => Promise<{ readonly kind: 'done' } | Refused>;
  readonly dump: () => Promise<{
    readonly hooks: Readonly<Record<string, Hook>>;
    readonly order: Readonly<Record<string, readonly string[]>>;
    readonly crons: Readonly<Record<string, Readonly<Record<string, Cron>>>>;
  }>;
  /** How these hooks are, by their ids; without those that are not there. */
  readonly responsesOf: (ids: readonly string[]) => Promise<ReadonlyMap<string, object>>;
  readonly template: (nest: string) => Promise<{
    readonly from: string;
    readonly hooks: Readonly<Record<string, Hook>>;
    readonly order: readonly string[];
    readonly crons: readonly (readonly [string, Cron])[];
  }>;
  readonly preview: (nest: string) => Promise<readonly object[]>;
};
