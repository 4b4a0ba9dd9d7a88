// What can be done in channels.
import { type Static, Type } from 'typebox';
import { DottedId, Flag, Nest, Nothing, Role, Ship, Term, Text } from '../schema/scalars.ts';
import { maybe, nullable, variants } from '../schema/schema.ts';
import { Essay, Memo } from './posts.ts';

const roles = Type.Array(Role);
const addReact = Type.Object({ id: DottedId, ship: Ship, react: Text });
const delReact = Type.Object({ id: DottedId, ship: Ship });

export const CreateChannel = Type.Object(
  {
    ...{ kind: Term, name: Term, group: Flag, title: Text, description: Text, readers: roles, writers: roles },
    meta: maybe(Text),
  },
  {
    title: 'CreateChannel',
    description: 'A new channel. No readers or writers: everyone. `meta` is as clients write it.',
  },
);
export type CreateChannel = Static<typeof CreateChannel>;

export const ActionReply = variants(
  {
    add: Memo,
    del: DottedId,
    edit: Type.Object({ id: DottedId, memo: Memo }),
    'add-react': addReact,
    'del-react': delReact,
  },
  { title: 'ActionReply' },
);
export type ActionReply = Static<typeof ActionReply>;

export const ActionPost = variants(
  {
    add: Essay,
    edit: Type.Object({ id: DottedId, essay: Essay }),
    del: DottedId,
    reply: Type.Object({ id: DottedId, action: ActionReply }),
    'add-react': addReact,
    'del-react': delReact,
  },
  { title: 'ActionPost' },
);
export type ActionPost = Static<typeof ActionPost>;

export const ActionChannel = variants(
  {
    join: Flag,
    leave: Nothing,
    read: Nothing,
    'read-at': DottedId,
    watch: Nothing,
    unwatch: Nothing,
    post: ActionPost,
    view: Text,
    sort: Text,
    order: nullable(Type.Array(DottedId)),
    meta: nullable(Text),
    'add-writers': roles,
    'del-writers': roles,
  },
  {
    title: 'ActionChannel',
    description: '`view`: grid or list; `sort`: time, alpha or arranged; `meta`: as clients write it.',
  },
);
export type ActionChannel = Static<typeof ActionChannel>;

export const PostToggle = variants(
  { hide: DottedId, show: DottedId },
  { title: 'PostToggle', description: 'Hide a post from our own view, or show it again.' },
);
export type PostToggle = Static<typeof PostToggle>;

export const ActionChannels = variants(
  {
    create: CreateChannel,
    pin: Type.Array(Nest),
    channel: Type.Object({ nest: Nest, action: ActionChannel }),
    'toggle-post': PostToggle,
  },
  { title: 'ActionChannels' },
);
export type ActionChannels = Static<typeof ActionChannels>;
