// How the types of this folder are written: TypeBox schemas, with three annotations of our own that
// decode.ts reads.
import { type Static, type TSchema, type TUnsafe, Type } from 'typebox';

/**
 * What a text or a number must look like, and how it is written out. Liberal in, exact out: each
 * format accepts every spelling that is in use and gives the one
 * that we emit.
 */
export type Format =
  | 'ship'
  | 'id'
  | 'dotted-id'
  | 'revision'
  | 'message-id'
  | 'uv'
  | 'nest'
  | 'flag'
  | 'term'
  | 'ms'
  | 'whole';

/** A schema as those see it that walk through one. */
export type Node = {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Node>>;
  readonly anyOf?: readonly Node[];
  readonly type?: string;
  readonly items?: Node;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly format?: string;
  readonly keyFormat?: string;
  readonly title?: string;
  readonly description?: string;
  readonly open?: boolean;
};

/** A union of objects that have one key each, named by that key: `{add: VPost} | {del: string}`. */
export type Variants<V extends Record<string, TSchema>> = { [K in keyof V]: { [P in K]: Static<V[K]> } }[keyof V];

type Naming = {
  readonly title?: string;
  readonly description?: string;
  /** Keys that we do not know are accepted and passed on as they are. */
  readonly open?: boolean;
};

export const variants = <V extends Record<string, TSchema>>(branches: V, naming: Naming = {}): TUnsafe<Variants<V>> =>
  Type.Unsafe<Variants<V>>(
    Type.Union(
      Object.entries(branches).map(([key, schema]) => Type.Object({ [key]: schema })),
      naming,
    ),
  );

/** An object with any keys of one format and values of one type. */
export const recordOf = <V extends TSchema>(keyFormat: Format | undefined, value: V, naming: Naming = {}) =>
  Type.Record(Type.String(), value, { ...naming, ...(keyFormat === undefined ? {} : { keyFormat }) });

export const nullable = <S extends TSchema>(schema: S) => Type.Union([Type.Null(), schema]);

/** Optional, and `null` means the same as absent. */
export const maybe = <S extends TSchema>(schema: S) => Type.Optional(Type.Union([schema, Type.Null()]));
