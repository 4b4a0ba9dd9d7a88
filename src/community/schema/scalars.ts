// The texts and numbers that everything else is made of, each with the format that decode.ts checks
// and writes out.
import { Type } from 'typebox';

const text = (format: string, title: string, description: string) => Type.String({ format, title, description });

export const Ship = text(
  'ship',
  'Ship',
  'A user: `"~sampel-palnet"`. Accepted without the sig, quoted, or as a number too.',
);
/** More than are taken at once: a ship in a number takes 3 µs to read. */
export const SomeShips = Type.Array(Ship, { maxItems: 10_000 });
export const Id = text(
  'id',
  'Id',
  'When something was posted, and its name: decimal digits, for example `"170141184507313431682019536779450777600"`.',
);
export const DottedId = text(
  'dotted-id',
  'DottedId',
  'An Id with dots: `"170.141.184.507…"`. Accepted without dots too.',
);
export const Revision = text('revision', 'Revision', 'How often something was edited: `"0"`, `"12"`, `"1.000"`.');
export const MessageId = text('message-id', 'MessageId', 'A chat message: `"~ship/170.141…"`.');
export const Nest = text('nest', 'Nest', 'A channel: `"chat/~host/name"`, kind `chat`, `diary` or `heap`.');
export const Flag = text('flag', 'Flag', 'A group: `"~host/name"`.');
export const Role = text('term', 'Role', 'The name of a role: letters a-z, digits and `-`, beginning with a letter.');
export const Term = text('term', 'Term', 'A name of letters a-z, digits and `-`, beginning with a letter.');
export const ClubId = text('uv', 'ClubId', 'A group chat: `"0v…"`.');
export const Text = Type.String();

export const Millis = Type.Number({ format: 'ms', title: 'Millis', description: 'Milliseconds since 1970.' });
export const Whole = Type.Number({ format: 'whole' });
export const Nothing = Type.Null();

/** The id of a hook or of a wait: a number, decimal digits, or `0v…`. */
export const Uv = Type.Union([Type.Number(), Type.String()], {
  format: 'uv',
  title: 'Uv',
  description: 'The id of a hook or of a wait: a number, a text of digits, or `"0v…"`.',
});
