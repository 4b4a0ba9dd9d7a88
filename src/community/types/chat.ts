// Direct messages, group chats without a host, and contacts.
import { type Static, Type } from 'typebox';
import { ClubId, Flag, Id, MessageId, Millis, Nothing, Ship, Text, Whole } from '../schema/scalars.ts';
import { maybe, recordOf, variants } from '../schema/schema.ts';
import { Meta } from './group.ts';
import { Memo } from './posts.ts';

const addReact = Type.Object({ ship: Ship, react: Text });

export const ReplyDelta = Type.Object(
  {
    id: MessageId,
    meta: maybe(Nothing),
    delta: variants({
      del: Nothing,
      'add-react': addReact,
      'del-react': Ship,
      add: Type.Object({ memo: Memo, time: maybe(Id) }),
    }),
  },
  { title: 'ReplyDelta', description: 'What is done to a reply in a chat.' },
);
export type ReplyDelta = Static<typeof ReplyDelta>;

export const WritsDelta = variants(
  {
    del: Nothing,
    'add-react': addReact,
    'del-react': Ship,
    reply: ReplyDelta,
    add: Type.Object({ memo: Memo, kind: maybe(Type.Object({ notice: Nothing })), time: maybe(Id) }),
  },
  {
    title: 'WritsDelta',
    description: 'What is done to a message in a chat. `time` is ignored: it is when the message came.',
  },
);
export type WritsDelta = Static<typeof WritsDelta>;

export const ActionDM = Type.Object(
  { ship: Ship, diff: Type.Object({ id: MessageId, delta: WritsDelta }) },
  { title: 'ActionDM' },
);
export type ActionDM = Static<typeof ActionDM>;

export const ClubDelta = variants(
  {
    writ: Type.Object({ id: MessageId, delta: WritsDelta }),
    meta: Meta,
    team: Type.Object({ ship: Ship, ok: Type.Boolean() }),
    hive: Type.Object({ by: Ship, for: Ship, add: Type.Boolean() }),
    init: Type.Object({ team: Type.Array(Ship), hive: Type.Array(Ship), meta: Meta }),
  },
  {
    title: 'ClubDelta',
    description: 'A message, the title, an answer to an invitation, an invitation, the beginning.',
  },
);
export type ClubDelta = Static<typeof ClubDelta>;

export const ActionClub = Type.Object(
  {
    id: ClubId,
    diff: Type.Object({ uid: Type.Optional(Text), echo: Type.Optional(Type.Unsafe<unknown>({})), delta: ClubDelta }),
  },
  { title: 'ActionClub', description: '`uid` is ignored: a fresh one is used.' },
);
export type ActionClub = Static<typeof ActionClub>;

export const ValueContact = Type.Cyclic(
  {
    ValueContact: Type.Union([
      Type.Null(),
      Type.Object({ text: Text }),
      Type.Object({ numb: Type.Number() }),
      Type.Object({ date: Millis }),
      Type.Object({ tint: Whole }),
      Type.Object({ ship: Ship }),
      Type.Object({ look: Text }),
      Type.Object({ flag: Flag }),
      Type.Object({ set: Type.Array(Type.Ref('ValueContact')) }),
    ]),
  },
  'ValueContact',
  { title: 'ValueContact', description: 'The value of a field of a profile; null deletes the field.' },
);
export type ValueContact = Static<typeof ValueContact>;

export const Kip = variants(
  { ship: Ship, id: Type.Union([Type.Number(), Type.String()]) },
  { title: 'Kip', description: 'A page of the contact book: of a ship, or one without.' },
);
export type Kip = Static<typeof Kip>;

export const Contact = recordOf('term', ValueContact, {
  title: 'Contact',
  description: 'A profile: nickname, bio, status, color, avatar, cover, groups, and what else one likes.',
});
export type Contact = Static<typeof Contact>;

const kipAndContact = Type.Object({ kip: Kip, contact: Contact });

export const ActionContacts = variants(
  {
    anon: Nothing,
    self: Contact,
    page: kipAndContact,
    edit: kipAndContact,
    wipe: Type.Array(Kip),
    meet: Type.Array(Ship),
    drop: Type.Array(Ship),
    snub: Type.Array(Ship),
  },
  { title: 'ActionContacts' },
);
export type ActionContacts = Static<typeof ActionContacts>;
