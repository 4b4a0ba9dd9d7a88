// Posts and replies.
import { type Static, Type } from 'typebox';
import { Id, Millis, Revision, Ship, Text } from '../schema/scalars.ts';
import { nullable, recordOf } from '../schema/schema.ts';
import { KindData, Story } from './story.ts';

export const Essay = Type.Object(
  { content: Story, author: Ship, sent: Millis, 'kind-data': KindData },
  { title: 'Essay', description: "A post's content: what its author wrote." },
);
export type Essay = Static<typeof Essay>;

export const VReacts = recordOf('ship', Type.Object({ revision: Revision, react: nullable(Text) }), {
  title: 'VReacts',
  description: 'Reactions by ship; `react` is an emoji or its shortcode, null when it was taken back.',
});
export type VReacts = Static<typeof VReacts>;

export const VReply = Type.Object(
  { id: Id, reacts: VReacts, revision: Revision, content: Story, author: Ship, sent: Millis },
  { title: 'VReply', description: 'A reply; `id` is unique within its post.' },
);
export type VReply = Static<typeof VReply>;

export const Seal = Type.Object(
  { id: Id, replies: recordOf('dotted-id', nullable(VReply)), reacts: VReacts },
  {
    title: 'Seal',
    description: "A post's surroundings; the keys of `replies` are ids with dots, null stands for a deleted reply.",
  },
);
export type Seal = Static<typeof Seal>;

export const VPost = Type.Object(
  { seal: Seal, revision: Revision, essay: Essay },
  { title: 'VPost', description: 'A post with its replies and reactions.' },
);
export type VPost = Static<typeof VPost>;

export const Memo = Type.Object(
  { content: Story, author: Ship, sent: Millis },
  { title: 'Memo', description: 'The content of a reply or of a chat message.' },
);
export type Memo = Static<typeof Memo>;
