// Groups and what can be done to them.
import { type Static, Type } from 'typebox';
import { Flag, Id, Millis, Nest, Nothing, Role, Ship, Term, Text, Whole } from '../schema/scalars.ts';
import { maybe, nullable, recordOf, variants } from '../schema/schema.ts';

const roles = Type.Array(Role);
const ships = Type.Array(Ship);
const ranks = Type.Array(Text);

export const FleetDiff = variants(
  { add: Nothing, del: Nothing, 'add-sects': roles, 'del-sects': roles },
  { title: 'FleetDiff', description: 'Add members, remove them, give them roles, take roles away.' },
);
export type FleetDiff = Static<typeof FleetDiff>;

export const Meta = Type.Object({ title: Text, description: Text, image: Text, cover: Text }, { title: 'Meta' });
export type Meta = Static<typeof Meta>;

export const Channel = Type.Object(
  { meta: Meta, added: Millis, zone: Term, join: Type.Boolean(), readers: roles },
  { title: 'Channel', description: 'A channel as its group lists it. No readers: everyone reads.' },
);
export type Channel = Static<typeof Channel>;

export const ChannelDiff = variants(
  {
    add: Channel,
    edit: Channel,
    del: Nothing,
    'add-sects': roles,
    'del-sects': roles,
    zone: Term,
    join: Type.Boolean(),
  },
  { title: 'ChannelDiff' },
);
export type ChannelDiff = Static<typeof ChannelDiff>;

export const CabalDiff = variants({ add: Meta, edit: Meta, del: Nothing }, { title: 'CabalDiff' });
export type CabalDiff = Static<typeof CabalDiff>;

export const BlocDiff = variants({ add: roles, del: roles }, { title: 'BlocDiff' });
export type BlocDiff = Static<typeof BlocDiff>;

export const OpenCordonDiff = variants(
  { 'add-ships': ships, 'del-ships': ships, 'add-ranks': ranks, 'del-ranks': ranks },
  {
    title: 'OpenCordonDiff',
    description: 'Ban and unban, by ship or by rank (`czar`, `king`, `duke`, `earl`, `pawn`).',
  },
);
export type OpenCordonDiff = Static<typeof OpenCordonDiff>;

const kindAndShips = Type.Object({ kind: Text, ships });

export const ShutCordonDiff = variants(
  { 'add-ships': kindAndShips, 'del-ships': kindAndShips },
  { title: 'ShutCordonDiff', description: '`kind` is `pending` (invited) or `ask` (asked to join).' },
);
export type ShutCordonDiff = Static<typeof ShutCordonDiff>;

export const Cordon = variants(
  {
    open: Type.Object({ ships, ranks }),
    shut: Type.Object({ pending: ships, ask: ships }),
    afar: Type.Object({ app: Text, path: Text, desc: Text }),
  },
  { title: 'Cordon', description: 'Who may join.' },
);
export type Cordon = Static<typeof Cordon>;

export const CordonDiff = variants(
  { open: OpenCordonDiff, shut: ShutCordonDiff, swap: Cordon },
  { title: 'CordonDiff' },
);
export type CordonDiff = Static<typeof CordonDiff>;

export const Fleet = recordOf('ship', Type.Object({ sects: roles, joined: Millis }), {
  title: 'Fleet',
  description: 'Members by ship. `joined` is 0 for one who was added and never came.',
});
export type Fleet = Static<typeof Fleet>;

export const Cabals = recordOf('term', Type.Object({ meta: Meta }), { title: 'Cabals', description: 'Roles by name.' });
export type Cabals = Static<typeof Cabals>;

export const Zones = recordOf('term', Type.Object({ meta: Meta, idx: Type.Array(Nest) }), {
  title: 'Zones',
  description: 'Sections by id, with the order of their channels.',
});
export type Zones = Static<typeof Zones>;

export const Channels = recordOf('nest', Channel, { title: 'Channels', description: 'Channels by nest.' });
export type Channels = Static<typeof Channels>;

export const FlaggedContent = recordOf(
  'nest',
  recordOf('id', Type.Object({ flagged: Type.Boolean(), flaggers: ships, replies: recordOf('id', ships) })),
  { title: 'FlaggedContent', description: 'Reported posts: channel, post, who reported it and its replies.' },
);
export type FlaggedContent = Static<typeof FlaggedContent>;

export const Group = Type.Object(
  {
    fleet: Fleet,
    cabals: Cabals,
    zones: Zones,
    'zone-ord': Type.Array(Term),
    channels: Channels,
    'active-channels': Type.Array(Nest),
    bloc: roles,
    cordon: Cordon,
    meta: Meta,
    secret: Type.Boolean(),
    'flagged-content': FlaggedContent,
  },
  { title: 'Group' },
);
export type Group = Static<typeof Group>;

export const ZoneDelta = variants(
  { add: Meta, edit: Meta, del: Nothing, mov: Whole, 'mov-nest': Type.Object({ nest: Nest, idx: Whole }) },
  { title: 'ZoneDelta' },
);
export type ZoneDelta = Static<typeof ZoneDelta>;

export const ZoneDiff = Type.Object({ zone: Term, delta: ZoneDelta }, { title: 'ZoneDiff' });
export type ZoneDiff = Static<typeof ZoneDiff>;

export const FlagContent = Type.Object(
  { nest: Nest, 'post-key': Type.Object({ post: Id, reply: nullable(Id) }), src: Ship },
  { title: 'FlagContent', description: 'Report a post, or a reply of it.' },
);
export type FlagContent = Static<typeof FlagContent>;

export const DiffGroups = variants(
  {
    fleet: Type.Object({ ships, diff: FleetDiff }),
    channel: Type.Object({ nest: Nest, diff: ChannelDiff }),
    cabal: Type.Object({ sect: Role, diff: CabalDiff }),
    bloc: BlocDiff,
    cordon: CordonDiff,
    create: Group,
    zone: ZoneDiff,
    meta: Meta,
    secret: Type.Boolean(),
    del: Nothing,
    'flag-content': FlagContent,
  },
  { title: 'DiffGroups', description: 'What can be changed in a group.' },
);
export type DiffGroups = Static<typeof DiffGroups>;

export const ActionGroups = Type.Object(
  { flag: Flag, update: Type.Object({ time: maybe(Text), diff: DiffGroups }) },
  { title: 'ActionGroups', description: 'A change of a group. `time` is ignored: the host says when.' },
);
export type ActionGroups = Static<typeof ActionGroups>;
