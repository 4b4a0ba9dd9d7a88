// Event: what a script hook is called with, and what it answers.
import { type Static, Type } from 'typebox';
import { Millis, Nothing, Ship, Text, Uv } from '../schema/scalars.ts';
import { maybe, nullable, variants } from '../schema/schema.ts';
import { Essay, Memo, VPost, VReply } from './posts.ts';

export const OnPost = variants(
  {
    add: VPost,
    edit: Type.Object({ original: VPost, essay: Essay }),
    del: VPost,
    react: Type.Object({ post: VPost, ship: Ship, react: nullable(Text) }),
  },
  { title: 'OnPost', description: 'Somebody posts, edits, deletes, or reacts (`react: null` takes a reaction back).' },
);
export type OnPost = Static<typeof OnPost>;

export const OnReply = variants(
  {
    add: Type.Object({ parent: VPost, reply: VReply }),
    edit: Type.Object({ parent: VPost, original: VReply, memo: Memo }),
    del: Type.Object({ parent: VPost, original: VReply }),
    react: Type.Object({ parent: VPost, reply: VReply, ship: Ship, react: nullable(Text) }),
  },
  { title: 'OnReply', description: 'The same for replies; `parent` is the post that is replied to.' },
);
export type OnReply = Static<typeof OnReply>;

export const WaitingHook = Type.Object(
  {
    id: Uv,
    hook: maybe(Uv),
    data: Type.Unsafe<unknown>({}),
    'fires-at': Millis,
    noun: Type.Optional(Type.Boolean()),
  },
  {
    title: 'WaitingHook',
    description:
      'A wake-up. `id` names it (the same id replaces it), `hook` is who is woken (left out: this hook), `data` any JSON value that comes back. `noun` is set by us when `data` was a handle of `object_to_noun`.',
  },
);
export type WaitingHook = Static<typeof WaitingHook>;

export const Event = variants(
  { 'on-post': OnPost, 'on-reply': OnReply, cron: Nothing, wake: WaitingHook },
  { title: 'Event', description: 'What happened: the one argument of a hook.' },
);
export type Event = Static<typeof Event>;

export const EventResult = variants(
  { allowed: Event, denied: nullable(Text) },
  { title: 'EventResult', description: 'Let the event happen, as it is or changed; or refuse it, with a reason.' },
);
export type EventResult = Static<typeof EventResult>;
