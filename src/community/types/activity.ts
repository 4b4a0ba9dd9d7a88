// The host's notifications.
import { type Static, Type } from 'typebox';
import { ClubId, DottedId, Flag, MessageId, Nest, Nothing, Role, Ship, Text } from '../schema/scalars.ts';
import { maybe, nullable, recordOf, variants } from '../schema/schema.ts';
import { Story } from './story.ts';

export const MsgKey = Type.Object({ id: MessageId, time: DottedId }, { title: 'MsgKey' });
export type MsgKey = Static<typeof MsgKey>;

const mention = Type.Boolean();

export const PostEvent = Type.Object(
  { key: MsgKey, channel: Nest, group: Flag, content: Story, mention },
  { title: 'PostEvent' },
);
export type PostEvent = Static<typeof PostEvent>;

export const ReplyEvent = Type.Object(
  { key: MsgKey, parent: MsgKey, channel: Nest, group: Flag, content: Story, mention },
  { title: 'ReplyEvent' },
);
export type ReplyEvent = Static<typeof ReplyEvent>;

export const ChanInitEvent = Type.Object({ channel: Nest, group: Flag }, { title: 'ChanInitEvent' });
export type ChanInitEvent = Static<typeof ChanInitEvent>;

export const Whom = variants({ ship: Ship, club: ClubId }, { title: 'Whom', description: 'A ship, or a group chat.' });
export type Whom = Static<typeof Whom>;

export const DM_PostEvent = Type.Object(
  { key: MsgKey, whom: Whom, content: Story, mention },
  { title: 'DM_PostEvent' },
);
export type DM_PostEvent = Static<typeof DM_PostEvent>;

export const DM_ReplyEvent = Type.Object(
  { key: MsgKey, parent: MsgKey, whom: Whom, content: Story, mention },
  { title: 'DM_ReplyEvent' },
);
export type DM_ReplyEvent = Static<typeof DM_ReplyEvent>;

export const FlagPostEvent = Type.Object({ key: MsgKey, channel: Nest, group: Flag }, { title: 'FlagPostEvent' });
export type FlagPostEvent = Static<typeof FlagPostEvent>;

export const FlagReplyEvent = Type.Object(
  { key: MsgKey, parent: MsgKey, channel: Nest, group: Flag },
  { title: 'FlagReplyEvent' },
);
export type FlagReplyEvent = Static<typeof FlagReplyEvent>;

export const GroupEvent = Type.Object({ group: Flag, ship: Ship }, { title: 'GroupEvent' });
export type GroupEvent = Static<typeof GroupEvent>;

export const GroupRoleEvent = Type.Object(
  { group: Flag, ship: Ship, roles: Type.Array(Role) },
  { title: 'GroupRoleEvent' },
);
export type GroupRoleEvent = Static<typeof GroupRoleEvent>;

export const IncomingEvent = variants(
  {
    post: PostEvent,
    reply: ReplyEvent,
    'chan-init': ChanInitEvent,
    'dm-invite': Whom,
    'dm-post': DM_PostEvent,
    'dm-reply': DM_ReplyEvent,
    'flag-post': FlagPostEvent,
    'flag-reply': FlagReplyEvent,
    'group-ask': GroupEvent,
    'group-join': GroupEvent,
    'group-kick': GroupEvent,
    'group-invite': GroupEvent,
    'group-role': GroupRoleEvent,
  },
  { title: 'IncomingEvent', description: 'Something that the host is told about.' },
);
export type IncomingEvent = Static<typeof IncomingEvent>;

export const ActivitySource = variants(
  {
    base: Nothing,
    group: Flag,
    dm: Whom,
    contact: Ship,
    channel: Type.Object({ nest: Nest, group: Flag }),
    thread: Type.Object({ key: MsgKey, channel: Nest, group: Flag }),
    'dm-thread': Type.Object({ key: MsgKey, whom: Whom }),
  },
  { title: 'ActivitySource', description: 'Where an activity belongs.' },
);
export type ActivitySource = Static<typeof ActivitySource>;

export const ReadAction = variants(
  {
    item: DottedId,
    all: Type.Object({ time: maybe(DottedId), deep: maybe(Type.Boolean()) }),
    event: IncomingEvent,
  },
  { title: 'ReadAction', description: '`all` without a time reads everything; `deep` reads the threads below too.' },
);
export type ReadAction = Static<typeof ReadAction>;

export const VolumeMap = recordOf(undefined, Type.Object({ unreads: Type.Boolean(), notify: Type.Boolean() }), {
  title: 'VolumeMap',
  description: 'How loud a kind of event is.',
});
export type VolumeMap = Static<typeof VolumeMap>;

export const ActionActivity = variants(
  {
    add: IncomingEvent,
    del: ActivitySource,
    read: Type.Object({ source: ActivitySource, action: ReadAction }),
    adjust: Type.Object({ source: ActivitySource, volume: nullable(VolumeMap) }),
    'allow-notifications': Text,
  },
  { title: 'ActionActivity', description: '`allow-notifications`: all, some or none.' },
);
export type ActionActivity = Static<typeof ActionActivity>;
