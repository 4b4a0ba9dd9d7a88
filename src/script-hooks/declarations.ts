// types/tlon_hooks.d.ts and docs/script-types.md, made from the types and from what stands here of
// the functions.
import type { TSchema } from 'typebox';
import { type DeclaredType, declareTypes } from '../community/schema/declare-types.ts';
import * as scalars from '../community/schema/scalars.ts';
import { ActionClub } from '../community/types/chat.ts';
import { TriggerTaskHook } from '../community/types/effect.ts';
import { SCRIPT_TYPES } from '../community/types/script-types.ts';

const SCALARS = Object.fromEntries(
  Object.entries(scalars).flatMap(([name, schema]) =>
    'title' in schema && schema.title === name ? [[name, schema]] : [],
  ),
);

const NAMES = Object.keys(SCRIPT_TYPES);
const FIRST_OF_EFFECTS = NAMES.indexOf('EventResult') + 1;
const pick = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, SCRIPT_TYPES[name] as TSchema]));

/** What scripts read, where ships stand in one spelling. */
const READ_TYPES = pick(NAMES.slice(0, FIRST_OF_EFFECTS));
/** What scripts write, where ships may stand in any. */
const WRITTEN_TYPES = { ...pick(NAMES.slice(FIRST_OF_EFFECTS)), ActionClub, TriggerTaskHook };

const WRITTEN_NAMES = { Ship: 'ShipLike', Essay: 'NewEssay', Memo: 'NewMemo' };

const NEW_TYPES = `/** An Essay that a script writes: its author in any spelling. */
export type NewEssay = Omit<Essay, 'author'> & { author: ShipLike };

/** A Memo that a script writes: its author in any spelling. */
export type NewMemo = Omit<Memo, 'author'> & { author: ShipLike };`;

const FUNCTIONS = `/** A hook: what a script assigns to \`module.exports\`. Called with the event, it says at once what becomes of it. */
export type Hook = (event: Event) => { event: EventResult; effects?: Array<Effect | null> };

/** Anything that names a ship: \`"~sampel-palnet"\`, \`"sampel-palnet"\` or a number. */
export type ShipLike = Ship | number | bigint;

/** The hook's state, as a fresh JSON value; \`null\` at first. */
export function get_state(): any;
/**
 * Saves a JSON value as the hook's new state, at most 1 MiB. It counts if the run does not fail.
 */
export function set_state(state: unknown): 0;
/**
 * All messages of the channel where the hook runs, oldest first. They are fetched as they are
 * looked at.
 */
export function get_chat_messages_here(): VPost[];
/** The ships of the group. */
export function get_members_here(): Ship[];
/** The roles of a ship in the group. */
export function get_roles(ship: ShipLike | null): Role[];
/** A ship's name with its \`~\`, or null for what is no ship. */
export function ship_normalize(ship: unknown): Ship | null;
/** Writes a line into the hook's log. */
export function print(text: unknown): 0;
/** Keeps a JSON value for this run, and across a wait; gives its handle. */
export function object_to_noun(value: unknown): number;
/** The value of a handle, or null. */
export function noun_to_object(handle: number): any;

/** Where the hook runs; read-only. */
export const bowl: {
  readonly nest: Nest | null;
  readonly group: Flag | null;
  readonly our: Ship;
  readonly src: Ship;
  readonly now: Millis;
  readonly config: Readonly<Record<string, any>>;
  readonly hook: { readonly id: string; readonly name: string };
};

/**
 * Functions that build effects. They give null when it is not possible here; null among the effects
 * is nothing.
 */
export const effects: {
  /** Adds a ship to the group. */
  add_user(ship: ShipLike | null): Effect | null;
  /** Removes a ship from the group. */
  kick_user(ship: ShipLike | null): Effect | null;
  /** Gives a member of the group a role. */
  give_role(ship: ShipLike | null, role: string): Effect | null;
  /** Takes a role from a member of the group. */
  remove_role(ship: ShipLike | null, role: string): Effect | null;
  /** Posts a message to the channel. */
  post_here(text: unknown): Effect | null;
  /** Sends a direct message. */
  send_dm(ship: ShipLike | null, text: unknown): Effect | null;
};`;

const GLOBALS = `/** The one library that there is. */
declare function require(name: 'tlon_hooks'): typeof import('tlon_hooks');
declare var module: { exports: any };
declare var exports: any;
/** Other spellings of \`print\`, for values of every kind. */
declare var console: Record<
  'log' | 'info' | 'warn' | 'error' | 'debug' | 'dir' | 'dirxml' | 'table' | 'trace' | 'group' | 'groupCollapsed',
  (...values: unknown[]) => void
> & {
  assert(holds: unknown, ...values: unknown[]): void;
  count(label?: string): void;
  countReset(label?: string): void;
  /** The clock of a run stands still: what was timed took 0 ms. */
  time(label?: string): void;
  timeLog(label?: string, ...values: unknown[]): void;
  timeEnd(label?: string): void;
  groupEnd(): void;
};`;

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');

const declaration = ({ name, description, definition }: DeclaredType): string =>
  `${description === '' ? '' : `/** ${description} */\n`}export type ${name} =${definition.startsWith('\n') ? '' : ' '}${definition};`;

/**
 * Unions that scripts look into: `event["on-post"]?.add` should be possible without proving first
 * that it is there, and
 * `"on-post" in event` should prove it. The second needs the compiler's
 * `exactOptionalPropertyTypes`.
 */
const LOOKED_INTO = new Set('Event OnPost OnReply EventResult Verse Block Inline Listing Cite KindData'.split(' '));

const ONE_OF = `/** An object with one of these keys. \`in\` tells which with \`exactOptionalPropertyTypes\` in jsconfig.json. */
export type OneOf<T> = { [K in keyof T]: { [P in K]: T[P] } & { [P in Exclude<keyof T, K>]?: never } }[keyof T];`;

const oneOf = (type: DeclaredType): DeclaredType => {
  if (!LOOKED_INTO.has(type.name)) return type;
  const branches = type.definition.split('\n  | ').slice(1);
  const objects = branches.filter((branch) => branch.startsWith('{'));
  const others = branches.filter((branch) => !branch.startsWith('{')).map((branch) => `${branch} | `);
  const keys = objects.map((branch) => `  ${branch.slice(2, -2)};\n`).join('');
  return { ...type, definition: `${others.join('')}OneOf<{\n${keys}}>` };
};

/** The declarations that an editor needs to complete \`require("tlon_hooks")\` and the event. */
export const authorDeclarations = (): string => {
  const types = [...declareTypes(SCALARS), ...declareTypes(READ_TYPES), ...declareTypes(WRITTEN_TYPES, WRITTEN_NAMES)]
    .map(oneOf)
    .map(declaration);
  return `// biome-ignore-all lint: generated
// biome-ignore-all format: generated
// What scripts see. Generated from the types of Hookwright: do not edit.
declare module 'tlon_hooks' {
${indent([FUNCTIONS, ONE_OF, NEW_TYPES, ...types].join('\n\n'))}
}

${GLOBALS}
`;
};

/** The page about the types. */
export const typesPage = (): string => {
  const section = ({ name, description, definition }: DeclaredType) =>
    `### ${name}\n\n${description === '' ? '' : `${description}\n\n`}\`\`\`ts\ntype ${name} =${definition.startsWith('\n') ? '' : ' '}${definition};\n\`\`\`\n`;
  return `# Types of script hooks

What a hook is called with, what it returns, and what effects can do. Ships and ids are accepted in every spelling that
is in use, and come out in the one that stands here. This page is generated.

## Texts and numbers

${declareTypes(SCALARS)
  .map(
    ({ name, description, definition }) =>
      `- **${name}** (\`${definition.replace(/\s*\n\s*\| /g, ' | ').replace(/^ \| /, '')}\`): ${description}`,
  )
  .join('\n')}

## Types

${declareTypes({ ...SCRIPT_TYPES, ActionClub })
  .map(section)
  .join('\n')}`;
};
