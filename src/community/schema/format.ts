// The formats of schema.ts: which spellings each accepts, and the one that it writes.
import { parseId, withDots } from './id.ts';
import { shipFromJson } from './ship.ts';

export type FormatWriter = {
  /** The exact form, or undefined when the value is none of it. */
  (value: unknown): string | number | undefined;
  /** What was expected, for a message: `a ship such as ~sampel-palnet`. */
  readonly what: string;
};

/** The writer of a format; throws for a name that does not exist. */
export const formatText = (format: string): FormatWriter => {
  const writer = WRITERS[format];
  if (writer === undefined) throw new Error(`there is no format "${format}"`);
  return writer;
};

const writer = (what: string, write: (value: unknown) => string | number | undefined): FormatWriter =>
  Object.assign((value: unknown) => write(value), { what });

const pattern = (what: string, regex: RegExp): FormatWriter =>
  writer(what, (value) => (typeof value === 'string' && regex.test(value) ? value : undefined));

const idNumber = (value: unknown): bigint | undefined => {
  // Of at most 45 digits, as a text.
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= 0 && value < 1e45 ? BigInt(value) : undefined;
  return typeof value === 'string' ? (parseId(value) ?? undefined) : undefined;
};

/** `kind/~host/name` and `~host/name`, with the host's sig put there if it is missing. */
const place = (what: string, parts: RegExp): FormatWriter =>
  writer(what, (value) => {
    const found = typeof value === 'string' && value.length < 300 ? parts.exec(value) : null;
    const ship = found === null ? null : shipFromJson(found[2]);
    return found === null || ship === null ? undefined : `${found[1]}${ship}/${found[3]}`;
  });

const WRITERS: Readonly<Record<string, FormatWriter>> = {
  ship: writer('a ship such as "~sampel-palnet"', (value) => shipFromJson(value) ?? undefined),
  id: writer('an id of digits', (value) => idNumber(value)?.toString()),
  'dotted-id': writer('an id of digits', (value) => {
    const id = idNumber(value);
    return id === undefined ? undefined : withDots(id);
  }),
  revision: writer('a revision such as "0"', (value) => {
    const revision = idNumber(value);
    return revision === undefined ? undefined : withDots(revision);
  }),
  'message-id': writer('a message id such as "~sampel-palnet/170.141…"', (value) => {
    const slash = typeof value === 'string' ? value.indexOf('/') : -1;
    if (typeof value !== 'string' || slash < 0) return undefined;
    const ship = shipFromJson(value.slice(0, slash));
    const id = idNumber(value.slice(slash + 1));
    return ship === null || id === undefined ? undefined : `${ship}/${withDots(id)}`;
  }),
  uv: writer('an id: a number, digits, or "0v…"', (value) => {
    if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? value : undefined;
    return typeof value === 'string' && /^(\d{1,39}|0v[0-9a-v]{1,5}(\.[0-9a-v]{5}){0,5})$/.test(value)
      ? value
      : undefined;
  }),
  nest: place('a channel such as "chat/~sampel-palnet/lounge"', /^([a-z][a-z0-9-]*\/)([^/]+)\/([a-z][a-z0-9-]*)$/),
  flag: place('a group such as "~sampel-palnet/our-club"', /^()([^/]+)\/([a-z][a-z0-9-]*)$/),
  term: pattern('a name of a-z, 0-9 and -, beginning with a letter', /^[a-z][a-z0-9-]{0,255}$/),
  ms: writer('a time in milliseconds', (value) =>
    typeof value === 'number' && Math.abs(value) <= 8.64e15 ? Math.floor(value) : undefined,
  ),
  whole: writer('a whole number', (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined,
  ),
};
