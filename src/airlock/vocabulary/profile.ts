// Profiles as clients write them: `{"type": "text", "value": "x"}` is our `{"text": "x"}`; and as
// older ones do, with seven fields that are always there.
import aura from '@urbit/aura';
import { idFromMillis, millisFromId } from '../../community/schema/id.ts';
import type { Contact, ValueContact } from '../../community/types/chat.ts';
import { mapValues } from '../../core/json.ts';
import { isObject } from './json.ts';

export type AirlockProfile = Readonly<Record<string, AirlockValue>>;
export type AirlockValue = { readonly type: string; readonly value?: unknown };

/** @example airlockProfile({ color: { tint: 255 } }) → { color: { type: 'tint', value: 'ff' } } */
export const airlockProfile = (profile: Contact): AirlockProfile => mapValues(profile, airlockValue);

const airlockValue = (value: ValueContact): AirlockValue => {
  if (value === null) return { type: 'null' };
  const [[type = '', content] = []] = Object.entries(value);
  return { type, value: 'set' in value ? value.set.map(airlockValue) : (WRITE[type]?.(content as number) ?? content) };
};

const hex = (number: number): string => aura.render('ux', BigInt(number));
const WRITE: Readonly<Record<string, (content: number) => string>> = {
  tint: (tint) => hex(tint).slice('0x'.length),
  date: (ms) => aura.render('da', idFromMillis(ms)),
};

/** What a client sent, for a decoder: what is no profile is left as it is. */
export const communityProfile = (sent: unknown): unknown => {
  const budget = { left: MOST_READ };
  return isObject(sent) ? mapValues(sent, (value) => communityValue(value, budget)) : sent;
};

/** A set of sets is odd, and deeper ones are nobody's. */
const DEEPEST = 5;
const LONGEST_NUMBER = 100;
/** Colors and dates of a profile; what is beyond is left as it is. */
const MOST_READ = 2_000;
type Budget = { left: number };

const communityValue = (sent: unknown, budget: Budget, depth = 0): unknown => {
  if (!isObject(sent) || typeof sent.type !== 'string') return sent;
  const { type, value } = sent;
  if (type === 'null') return null;
  if (Array.isArray(value) && depth < DEEPEST)
    return { [type]: value.map((one) => communityValue(one, budget, depth + 1)) };
  const isNumber = Object.hasOwn(READ, type) && typeof value === 'string' && value.length <= LONGEST_NUMBER;
  if (!isNumber || budget.left === 0) return { [type]: value };
  budget.left -= 1;
  return { [type]: READ[type]?.(value) ?? value };
};

const READ: Readonly<Record<string, (text: string) => number | undefined>> = {
  tint: (text) => tintOf(text),
  date: (text) => {
    const id = aura.tryParse('da', text);
    return id === null ? undefined : millisFromId(id);
  },
};

/** `ff.00ff`, also with `0x` or `#` before it. */
const tintOf = (text: string): number | undefined => {
  const digits = /^(?:0x|#)?([0-9a-f]{1,6}(?:\.[0-9a-f]{4})*)$/i.exec(text)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits.replaceAll('.', ''), 16);
};

/** As older clients read it. What it has besides is not told. */
export const olderProfile = (profile: Contact) => ({
  nickname: textOf(profile, 'nickname') ?? '',
  bio: textOf(profile, 'bio') ?? '',
  status: textOf(profile, 'status') ?? '',
  color: hex(tintIn(profile)),
  avatar: textOf(profile, 'avatar') ?? null,
  cover: textOf(profile, 'cover') ?? null,
  groups: groupsOf(profile),
});

const tintIn = ({ color }: Contact): number => (color && 'tint' in color ? color.tint : 0);

/** The groups that the ship shows. */
export const groupsOf = (profile: Contact): readonly string[] => {
  const groups = contentOf(profile, 'groups');
  return Array.isArray(groups)
    ? groups.flatMap((group: ValueContact) => (group && 'flag' in group ? group.flag : []))
    : [];
};

const MOST_EDITS = 100;

/** What older clients say is new, as a change of the profile; undefined: it is none. */
export const olderEdit = (edits: unknown, profile: Contact): Readonly<Record<string, unknown>> | undefined => {
  if (!Array.isArray(edits) || edits.length > MOST_EDITS) return undefined;
  const changed: Record<string, unknown> = {};
  let groups: readonly unknown[] = groupsOf(profile);
  for (const edit of edits) {
    const [[field = '', value] = []] = isObject(edit) ? Object.entries(edit) : [];
    const kind = Object.hasOwn(OLDER_KINDS, field) ? OLDER_KINDS[field] : undefined;
    if (kind !== undefined) {
      changed[field] = value === '' || value === null ? null : communityValue({ type: kind, value }, { left: 1 });
    } else if (field === 'add-group') groups = [...groups.filter((flag) => flag !== value), value];
    else if (field === 'del-group') groups = groups.filter((flag) => flag !== value);
    else return undefined;
  }
  const hasGroups = edits.some((edit) => 'add-group' in edit || 'del-group' in edit);
  return hasGroups ? { ...changed, groups: { set: groups.map((flag) => ({ flag })) } } : changed;
};

const OLDER_KINDS: Readonly<Record<string, string>> = {
  ...{ nickname: 'text', bio: 'text', status: 'text', color: 'tint', avatar: 'look', cover: 'look' },
};

const contentOf = (profile: Contact, field: string): unknown => {
  const value = Object.hasOwn(profile, field) ? profile[field] : undefined;
  return value ? Object.values(value)[0] : undefined;
};

const textOf = (profile: Contact, field: string): string | undefined => {
  const content = contentOf(profile, field);
  return typeof content === 'string' ? content : undefined;
};
