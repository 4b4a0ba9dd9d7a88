// A profile: fields that a ship says of itself, or that somebody keeps about it.
import type { Contact, ValueContact } from '../types/chat.ts';

/** Bytes of a profile as JSON. */
export const LARGEST_PROFILE = 10_000;
const LONGEST: Readonly<Record<string, number>> = { nickname: 64, bio: 2048 };
const KINDS: Readonly<Record<string, string>> = {
  ...{ nickname: 'text', bio: 'text', status: 'text', color: 'tint', avatar: 'look', cover: 'look', groups: 'set' },
};

/** Null deletes a field, all others are set. Throws a TypeError that says which field is wrong. */
export const mergeProfile = (profile: Contact, change: Contact): Contact => {
  const merged = Object.fromEntries(
    Object.entries({ ...profile, ...change }).filter(([, value]) => value !== null),
  ) as Contact;
  const problem = whyNoProfile(merged);
  if (problem !== undefined) throw new TypeError(problem);
  return merged;
};

const whyNoProfile = (profile: Contact): string | undefined => {
  for (const [field, value] of Object.entries(profile)) {
    const problem = whyNoField(field, value);
    if (problem !== undefined) return `${field}: ${problem}`;
  }
  const bytes = Buffer.byteLength(JSON.stringify(profile));
  return bytes > LARGEST_PROFILE
    ? `the profile has ${bytes} bytes, and at most ${LARGEST_PROFILE} are kept`
    : undefined;
};

const whyNoField = (field: string, value: ValueContact): string | undefined => {
  if (value === null) return undefined;
  const [[kind = '', content] = []] = Object.entries(value);
  const wanted = Object.hasOwn(KINDS, field) ? KINDS[field] : undefined;
  if (wanted !== undefined && kind !== wanted) return `must be of the kind ${wanted}, and is ${kind}`;
  if (kind === 'set') return whyNoSet(content as ValueContact[]);
  if (kind === 'look' && /^\s*data:/i.test(content as string))
    return 'must be the address of an image, and is the image itself';
  const most = Object.hasOwn(LONGEST, field) ? LONGEST[field] : undefined;
  if (most !== undefined && Buffer.byteLength(content as string) > most) return `must have at most ${most} bytes`;
  return undefined;
};

const whyNoSet = (values: readonly ValueContact[]): string | undefined => {
  const kinds = new Set(values.map((value) => Object.keys(value ?? { null: null })[0]));
  return kinds.size > 1 ? `all values of a set are of one kind, and these are ${[...kinds].join(', ')}` : undefined;
};
