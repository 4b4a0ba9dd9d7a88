// Values of the types that scripts know, made from the listed definitions: as many as needed to
// show every branch once.
import { type ListedType, parseType, type TypeList } from './script-types.ts';

/**
 * What stands where the list only says string or number: it has a meaning that the list does not
 * tell.
 */
const BY_KEY: Readonly<Record<string, unknown>> = {
  ship: '~nec',
  author: 1,
  by: 0,
  for: '~zod',
  src: '~nec',
  id: '170141184507313431682019536779450777600',
  post: '170141184507313431682019536779450777600',
  reply: '170.141.184.507.313.431.682.019.536.779.450.777.600',
  time: '170.141.184.507.313.431.682.019.536.779.450.777.600',
  revision: '0',
  flag: '~zod/club',
  group: '~zod/club',
  nest: 'chat/~zod/lounge',
  channel: 'chat/~zod/lounge',
  chan: 'chat/~zod/lounge',
  zone: 'default',
  sect: 'vip',
  kind: 'chat',
  name: 'lounge',
  club: '0v2.v7ae1',
  join: '~zod/club',
  contact: '~nec',
  hide: '170141184507313431682019536779450777600',
  show: '170141184507313431682019536779450777600',
  item: '170141184507313431682019536779450777600',
  'read-at': '170141184507313431682019536779450777600',
};

/** The same for the elements of arrays, and for keys of records. */
const BY_LIST: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(
    ['ships', 'pending', 'ask', 'team', 'hive', 'flaggers', 'meet', 'drop', 'snub', 'add-ships', 'del-ships'].map(
      (key) => [key, '~nec'],
    ),
  ),
  ...Object.fromEntries(
    [
      'sects',
      'readers',
      'writers',
      'roles',
      'bloc',
      'zone-ord',
      'add-sects',
      'del-sects',
      'add-writers',
      'del-writers',
    ].map((key) => [key, 'vip']),
  ),
  idx: 'chat/~zod/lounge',
  'active-channels': 'chat/~zod/lounge',
  pin: 'chat/~zod/lounge',
  order: '170141184507313431682019536779450777600',
  replies: '~nec',
};

/** Where a key means something else in one type than in the others. */
const BY_PLACE: Readonly<Record<string, unknown>> = {
  'Cite.group': '~zod/club',
  'Cite.bait.group': '~zod/club',
  'MsgKey.id': '~nec/170.141.184.507.313.431.682.019.536.779.450.777.600',
  'ReplyDelta.id': '~nec/170141184507313431682019536779450777600',
  'ActionDM.diff.id': '~nec/170141184507313431682019536779450777600',
  'ClubDelta.writ.id': '~nec/170141184507313431682019536779450777600',
  'Effect.club.id': '0v2.v7ae1',
  'ShutCordonDiff.add-ships.kind': 'ask',
  'BlocDiff.add[]': 'admin',
  'BlocDiff.del[]': 'admin',
  'Kip.id': 5,
  'Inline.ship': '~nec',
  'ActionPost.del': '170141184507313431682019536779450777600',
  'ActionReply.del': '170.141.184.507.313.431.682.019.536.779.450.777.600',
  'WritsDelta.del-react': 1,
  'ReplyDelta.delta.del-react': '~nec',
};

const RECORD_KEYS: Readonly<Record<string, string>> = {
  VReacts: '~nec',
  'Seal.replies': '170.141.184.507.313.431.682.019.536.779.450.777.600',
  Fleet: '~nec',
  Cabals: 'vip',
  Zones: 'default',
  Channels: 'chat/~zod/lounge',
  FlaggedContent: 'chat/~zod/lounge',
  'FlaggedContent{}': '170141184507313431682019536779450777600',
  'FlaggedContent{}{}.replies': '170141184507313431682019536779450777600',
  VolumeMap: 'post',
  Contact: 'nickname',
};

/** Every branch of a listed type once, with a path that names it: `Effect.channels.create`. */
export const samplesOf = (list: TypeList, name: string): { readonly branch: string; readonly value: unknown }[] => {
  const types = new Map(Object.entries(list.types).map(([key, text]) => [key, parseType(text)]));

  const one = (type: ListedType, place: string, key: string): unknown => {
    switch (type.is) {
      case 'array':
        return key === 'items' || key === 'set' ? [] : [one(type.of, `${place}[]`, `${key}[]`)];
      case 'record':
        return { [RECORD_KEYS[place] ?? 'key']: one(type.of, `${place}{}`, key) };
      case 'union':
        return one(type.of[0] as ListedType, place, key);
      case 'object':
        return Object.fromEntries(
          Object.entries(type.fields).map(([field, of]) => [field, one(of, `${place}.${field}`, field)]),
        );
      case 'name':
        return named(type.name, place, key);
    }
  };

  const named = (type: string, place: string, key: string): unknown => {
    const found = types.get(type);
    if (found !== undefined) return one(found, type, type);
    if (type === 'null' || type === 'undefined') return null;
    if (type === 'boolean') return true;
    if (place in BY_PLACE) return BY_PLACE[place];
    if (key.endsWith('[]') && key.slice(0, -2) in BY_LIST) return BY_LIST[key.slice(0, -2)];
    if (key in BY_KEY) return BY_KEY[key];
    return type === 'number' ? 7 : 'text';
  };

  const type = types.get(name);
  if (type === undefined) throw new Error(`the list has no type ${name}`);
  return branches(type).map(({ branch, type: chosen }) => ({ branch, value: one(chosen, name, name) }));
};

/** A union's branches; inside a branch, each alternative of a field once. */
const branches = (type: ListedType): { branch: string; type: ListedType }[] => {
  if (type.is === 'union') return type.of.flatMap(branches);
  if (type.is === 'object') {
    const alternatives = Object.entries(type.fields).flatMap(([key, field]) =>
      field.is === 'union' || (field.is === 'object' && Object.keys(type.fields).length === 1)
        ? branches(field).map(({ branch, type: chosen }) => ({
            branch: `${key}.${branch}`,
            type: { ...type, fields: { ...type.fields, [key]: chosen } },
          }))
        : [],
    );
    return alternatives.length > 0 ? alternatives : [{ branch: Object.keys(type.fields).join('+'), type }];
  }
  return [{ branch: type.is === 'name' ? type.name : type.is, type }];
};
