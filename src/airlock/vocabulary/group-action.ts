// What clients ask of groups in their words of today, and the actions of the community that do it.
import aura from '@urbit/aura';
import { type Static, Type } from 'typebox';
import { decoder } from '../../community/schema/decode.ts';
import {
  ClubId,
  Flag,
  Id,
  Nest,
  Nothing,
  Role,
  Ship,
  SomeShips,
  Term,
  Text,
  Whole,
} from '../../community/schema/scalars.ts';
import { maybe, nullable, recordOf, variants } from '../../community/schema/schema.ts';
import type { Action } from '../../community/types/effect.ts';
import type { EntryDiff, TokenScheme } from '../../community/types/entry.ts';
import { Channel, type DiffGroups, Meta } from '../../community/types/group.ts';
import { Story } from '../../community/types/story.ts';

const ships = SomeShips;
const ranks = Type.Array(Text);
const roles = Type.Array(Role);
/** Numbers come as texts, too, and some things in a spelling of the code and one of the types. */
const number = Type.Union([Whole, Text]);
const someRoles = Type.Union([roles, Type.Object({ roles })]);

const Scheme = variants({
  forever: Nothing,
  limited: Type.Union([number, Type.Object({ count: number })]),
  personal: Type.Union([Ship, Type.Object({ ship: Ship })]),
});

const EntryAction = variants({
  privacy: Text,
  ban: variants({
    set: Type.Object({ ships, ranks }),
    ...{ 'add-ships': ships, 'del-ships': ships, 'add-ranks': ranks, 'del-ranks': ranks },
  }),
  pending: Type.Object({ ships, 'a-pending': variants({ add: someRoles, edit: someRoles, del: Nothing }) }),
  ask: Type.Object({ ships, 'a-ask': Text }),
  token: variants({
    add: Type.Object({ scheme: Scheme, expiry: nullable(number), label: nullable(Text) }),
    del: ClubId,
  }),
});

const SeatAction = variants({ add: Nothing, del: Nothing, 'add-roles': roles, 'del-roles': roles });
const RoleAction = variants({ add: Meta, edit: Meta, del: Nothing, 'set-admin': Nothing, 'del-admin': Nothing });

const Listed = Type.Object({ ...Type.Omit(Channel, ['zone']).properties, section: Term });
const ChannelAction = variants({
  ...{ add: Listed, edit: Listed, del: Nothing },
  ...{ 'add-readers': roles, 'del-readers': roles, section: Term },
});

const order = Type.Array(Term);
const SectionAction = variants({
  ...{ add: Meta, edit: Meta, del: Nothing, move: number },
  'move-nest': Type.Object({ nest: Nest, idx: number }),
});
const Navigation = Type.Object({
  sections: recordOf('term', Type.Object({ meta: Meta, order: Type.Array(Nest) })),
  order,
});

const Flagged = Type.Object({
  nest: Nest,
  'post-key': maybe(Type.Object({ post: Id, reply: nullable(Id) })),
  plan: maybe(Type.Array(nullable(Id))),
  src: Ship,
});

const OfGroup = variants({
  meta: Meta,
  entry: EntryAction,
  seat: Type.Object({ ships, 'a-seat': SeatAction }),
  role: Type.Object({ roles, 'a-role': RoleAction }),
  channel: Type.Object({ nest: Nest, 'a-channel': ChannelAction }),
  section: Type.Object({ 'section-id': Term, 'a-section': SectionAction }),
  'section-order': Type.Union([order, Type.Object({ order })]),
  navigation: Navigation,
  'flag-content': Flagged,
  delete: Nothing,
});

const GroupAction = variants({
  group: Type.Object({ flag: Flag, 'a-group': OfGroup }),
  invite: Type.Object({
    ...{ flag: Flag, ships },
    'a-invite': Type.Object({ token: nullable(ClubId), note: nullable(Story) }),
  }),
  leave: Flag,
});
export type GroupAction = Static<typeof GroupAction>;

export const decodeGroupAction = decoder(GroupAction);

export type By = {
  readonly actor: string;
  /** ms since the epoch. */
  readonly now: number;
  /** A number of a token that nobody guesses. */
  readonly newToken: () => string;
};

/** To be done together; a text: why there are none. */
export const communityActions = (asked: GroupAction, by: By): readonly Action[] | string => {
  if ('leave' in asked) return [changing(asked.leave, leaving(by.actor))];
  if ('invite' in asked) {
    const { flag, 'a-invite': of, ...invited } = asked.invite;
    return [entering(flag, { invite: { ...invited, token: of.token, note: of.note } })];
  }
  const { flag, 'a-group': action } = asked.group;
  if ('entry' in action) {
    const diff = entryDiff(action.entry, by);
    return typeof diff === 'string' ? diff : [entering(flag, diff)];
  }
  if ('navigation' in action) return [{ sections: { flag, ...sectionsOf(action.navigation) } }];
  if ('section-order' in action) {
    const given = action['section-order'];
    return [{ sections: { flag, 'zone-ord': 'order' in given ? given.order : given } }];
  }
  if ('seat' in action && 'add' in action.seat['a-seat']) return [entering(flag, { add: action.seat.ships })];
  const diffs = groupDiffs(action);
  return diffs.length > MOST_TOGETHER
    ? `At most ${MOST_TOGETHER} roles are changed at once.`
    : diffs.map((diff) => changing(flag, diff));
};

/** The group is written once for each. */
const MOST_TOGETHER = 10;
const A_YEAR = 365 * 86_400_000;

export const changing = (flag: string, diff: DiffGroups): Action => ({ groups: { flag, update: { diff } } });
export const entering = (flag: string, diff: EntryDiff): Action => ({ entry: { flag, diff } });
export const leaving = (ship: string): DiffGroups => ({ fleet: { ships: [ship], diff: { del: null } } });

type EntryAction = Static<typeof EntryAction>;

const entryDiff = (action: EntryAction, by: By): EntryDiff | string => {
  if ('privacy' in action) return action;
  if ('ban' in action) return 'set' in action.ban ? { 'set-bans': action.ban.set } : { ban: action.ban };
  if ('ask' in action) {
    const { ships, 'a-ask': answer } = action.ask;
    if (answer === 'approve') return { approve: ships };
    return answer === 'deny' ? { deny: ships } : `A request is approved or denied, and not "${answer}".`;
  }
  if ('pending' in action) {
    const { ships, 'a-pending': change } = action.pending;
    if ('del' in change) return { revoke: ships };
    const promised = 'add' in change ? change.add : change.edit;
    return { pending: { ships, roles: 'roles' in promised ? promised.roles : promised } };
  }
  if ('del' in action.token) return { token: action.token };
  const { scheme, expiry, label } = action.token.add;
  const [exact, lasts] = [schemeOf(scheme), expiry === null ? A_YEAR : durationOf(expiry)];
  if (!exact || !lasts) return 'A token lasts a duration such as "~d30", and lets in a whole number of ships.';
  return { token: { add: { token: by.newToken(), scheme: exact, expiry: by.now + Math.min(lasts, MOST_MS), label } } };
};

/** Times stay below the year 275,760. */
const MOST_MS = 4e15;

const schemeOf = (scheme: Static<typeof Scheme>): TokenScheme | undefined => {
  if ('forever' in scheme) return scheme;
  if ('personal' in scheme) {
    return { personal: typeof scheme.personal === 'object' ? scheme.personal.ship : scheme.personal };
  }
  const limited = wholeOf(typeof scheme.limited === 'object' ? scheme.limited.count : scheme.limited);
  return limited === undefined || limited === 0 ? undefined : { limited };
};

/** In ms; a text is written as `~d1.h2`. */
const durationOf = (expiry: number | string): number | undefined => {
  if (typeof expiry === 'number') return expiry;
  const parsed = expiry.length > 64 ? null : aura.tryParse('dr', expiry);
  return parsed === null ? undefined : Number((parsed * 1000n) >> 64n);
};

const wholeOf = (value: number | string): number | undefined => {
  const whole = typeof value === 'number' ? value : /^\d{1,9}$/.test(value) ? Number(value) : undefined;
  return whole;
};

const sectionsOf = ({ sections, order }: Static<typeof Navigation>) => ({
  zones: Object.fromEntries(Object.entries(sections).map(([id, { meta, order }]) => [id, { meta, idx: order }])),
  'zone-ord': order,
});

type PlainAction = Exclude<
  Static<typeof OfGroup>,
  { entry: unknown } | { navigation: unknown } | { 'section-order': unknown }
>;

const groupDiffs = (action: PlainAction): readonly DiffGroups[] => {
  if ('meta' in action) return [action];
  if ('delete' in action) return [{ del: null }];
  if ('flag-content' in action) return [flagged(action['flag-content'])];
  if ('seat' in action) return [{ fleet: { ships: action.seat.ships, diff: fleetDiff(action.seat['a-seat']) } }];
  if ('role' in action) return roleDiffs(action.role);
  if ('channel' in action) {
    return [{ channel: { nest: action.channel.nest, diff: channelDiff(action.channel['a-channel']) } }];
  }
  return [{ zone: { zone: action.section['section-id'], delta: zoneDelta(action.section['a-section']) } }];
};

const fleetDiff = (action: Static<typeof SeatAction>) => {
  if ('add-roles' in action) return { 'add-sects': action['add-roles'] };
  return 'del-roles' in action ? { 'del-sects': action['del-roles'] } : action;
};

const roleDiffs = ({
  roles,
  'a-role': action,
}: {
  roles: string[];
  'a-role': Static<typeof RoleAction>;
}): DiffGroups[] => {
  if ('set-admin' in action) return [{ bloc: { add: roles } }];
  if ('del-admin' in action) return [{ bloc: { del: roles } }];
  return roles.map((sect) => ({ cabal: { sect, diff: action } }));
};

type ChannelChange = Extract<DiffGroups, { channel: unknown }>['channel']['diff'];

const channelDiff = (action: Static<typeof ChannelAction>): ChannelChange => {
  const zoned = ({ section, ...channel }: Static<typeof Listed>) => ({ ...channel, zone: section });
  if ('add' in action) return { add: zoned(action.add) };
  if ('edit' in action) return { edit: zoned(action.edit) };
  if ('add-readers' in action) return { 'add-sects': action['add-readers'] };
  if ('del-readers' in action) return { 'del-sects': action['del-readers'] };
  return 'section' in action ? { zone: action.section } : action;
};

type ZoneDelta = Extract<DiffGroups, { zone: unknown }>['zone']['delta'];

/** What is no number is the first. */
const zoneDelta = (action: Static<typeof SectionAction>): ZoneDelta => {
  if ('move' in action) return { mov: wholeOf(action.move) ?? 0 };
  if (!('move-nest' in action)) return action;
  const { nest, idx } = action['move-nest'];
  return { 'mov-nest': { nest, idx: wholeOf(idx) ?? 0 } };
};

const flagged = ({ nest, src, 'post-key': key, plan }: Static<typeof Flagged>): DiffGroups => {
  const [post = null, reply = null] = plan ?? [];
  return { 'flag-content': { nest, 'post-key': key ?? { post: post ?? '0', reply }, src } };
};
