// What the owner of the host does with script hooks, and what is answered: the JSON that
// clients of %hooks speak.
import { type Static, Type } from 'typebox';
import { Nest, Text, Uv } from '../../community/schema/scalars.ts';
import { maybe, nullable, recordOf, variants } from '../../community/schema/schema.ts';
import { Meta } from '../../community/types/group.ts';
import type { SaidSchedule } from './cron-schedule.ts';

export const Config = recordOf(undefined, Type.Unsafe<unknown>({}));

export const ScriptAction = variants({
  add: Type.Object({ name: Text, src: Text }),
  edit: Type.Object({ id: Uv, name: maybe(Text), src: maybe(Text), meta: maybe(Meta) }),
  del: Uv,
  order: Type.Object({ nest: Nest, seq: Type.Array(Uv) }),
  config: Type.Object({ id: Uv, nest: Nest, config: Config }),
  cron: Type.Object({ id: Uv, origin: nullable(Nest), schedule: Type.Unsafe<unknown>({}), config: maybe(Config) }),
  rest: Type.Object({ id: Uv, origin: nullable(Nest) }),
});
export type ScriptAction = Static<typeof ScriptAction>;
export type ActionOf<Kind extends string> = Extract<ScriptAction, { readonly [K in Kind]: unknown }>[Kind &
  keyof Extract<ScriptAction, { readonly [K in Kind]: unknown }>];

/** Of a hook that says nothing of itself. */
export const NO_META: Meta = { title: '', description: '', image: '', cover: '' };

export type Config = Readonly<Record<string, unknown>>;

/** What was done, with ids as `0v…`; the origin of a global cron is `global`. */
export type ScriptResponse =
  | { readonly set: SetResponse }
  | { readonly gone: string }
  | { readonly order: { readonly nest: string; readonly seq: readonly string[] } }
  | { readonly config: { readonly id: string; readonly nest: string; readonly config: Config } }
  | {
      readonly cron: {
        readonly id: string;
        readonly origin: string;
        readonly schedule: SaidSchedule;
        readonly config: Config;
      };
    }
  | { readonly rest: { readonly id: string; readonly origin: string } };

export type SetResponse = {
  readonly id: string;
  readonly name: string;
  readonly src: string;
  readonly meta: Meta;
  /** Why the source does not compile, and whether an earlier one goes on running. */
  readonly error: string | null;
};

/** `reason` is for whoever acted. Nothing was changed. */
export type Refused = {
  readonly kind: 'refused';
  readonly reason: string;
  /** What it is about is not there. */
  readonly isMissing?: true;
};
export type ScriptActResult = { readonly kind: 'done'; readonly response: ScriptResponse } | Refused;

export const refused = (reason: string, isMissing = false): Refused => ({
  ...{ kind: 'refused', reason },
  ...(isMissing && { isMissing }),
});

/** Thrown inside a transaction: it is undone, and answered as a refusal. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly isMissing: boolean;

  constructor(reason: string, isMissing = false) {
    super(reason);
    this.isMissing = isMissing;
  }
}

/** Its refusal in place of an error. */
export const orRefused = async <T>(work: () => Promise<T>): Promise<T | Refused> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return refused(error.message, error.isMissing);
    throw error;
  }
};
