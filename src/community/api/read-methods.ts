// What a ship reads over HTTP, as data.
import Type from 'typebox';
import type { MethodDeclaration } from '../../http/api-method.ts';
import { CONTINUATION_TOKEN, schemaOf } from './schemas.ts';

export const SHIP = /^~[a-z-]{3,62}$/;
const FLAG = /^~[a-z-]{3,62}\/[a-z][a-z0-9-]{0,255}$/;
const NEST = /^[a-z][a-z0-9-]{0,255}\/~[a-z-]{3,62}\/[a-z][a-z0-9-]{0,255}$/;
const WHOM = /^(~[a-z-]{3,62}|0v[0-9a-v.]{1,40})$/;
const ID = /^[\d.]{1,64}$/;
const MESSAGE = /^~[a-z-]{3,62}\/[\d.]{1,64}$/;
const LIMIT = /^[1-9]\d{0,2}$/;
export const PAGING = { continuationToken: /^[\x20-\x7e]*$/, limit: LIMIT };
const NEWEST = { before: ID, limit: LIMIT };

const anything = (description: string) => Type.Unsafe<unknown>({ type: 'object', description });
const list = (description: string) => Type.Array(anything(description));
type Read = Pick<MethodDeclaration, 'name' | 'title' | 'description' | 'route'> & {
  readonly params?: Readonly<Record<string, RegExp>>;
  readonly query?: Readonly<Record<string, RegExp>>;
};

/** Something that a ship reads, with its own permissions. */
const read = <const R extends Read>(method: R, name: string, answer: Parameters<typeof schemaOf>[1]) => ({
  ...method,
  verb: 'GET' as const,
  route: `/ships/<ship>${method.route}`,
  params: { ship: SHIP, ...method.params },
  scopes: 'community:read:<ship>',
  output: schemaOf(name, answer),
});

export const READS = [
  read(
    {
      name: 'listBlocked',
      title: 'List blocked ships',
      description: 'From whom the ship takes no messages.',
      route: '/blocked',
    },
    'blocked-response',
    { ships: Type.Array(Type.String()) },
  ),
  read(
    {
      name: 'listGroups',
      title: 'List groups',
      description: 'The groups that the ship is in, in the order of their names. At most 20, and about 4 MB.',
      route: '/groups',
      query: PAGING,
    },
    'groups-response',
    { groups: list('`flag` and `group`'), continuationToken: CONTINUATION_TOKEN },
  ),
  read(
    {
      name: 'group',
      title: 'Get a group',
      description: 'Members with their roles, sections, channels, who may come in. The ship is in the group.',
      route: '/groups/<flag>',
      params: { flag: FLAG },
    },
    'group-response',
    { flag: Type.String(), group: anything('The group.') },
  ),
  read(
    {
      name: 'listChannels',
      title: 'List the channels of a group',
      description: 'Those that the ship may read.',
      route: '/groups/<flag>/channels',
      params: { flag: FLAG },
    },
    'channels-response',
    { channels: list('As `channel` answers it.') },
  ),
  read(
    {
      name: 'channel',
      title: 'Get a channel',
      description: 'How it is shown, who may write, how many posts it has, and how far the ship has read it.',
      route: '/channels/<nest>',
      params: { nest: NEST },
    },
    'channel-response',
    { channel: anything('The channel.') },
  ),
  read(
    {
      name: 'listPosts',
      title: 'List posts of a channel',
      description:
        'Newest first, with replies and reactions; `before` is the id of a post. At most 50, and about 4 MB.',
      route: '/channels/<nest>/posts',
      params: { nest: NEST },
      query: NEWEST,
    },
    'posts-response',
    { posts: list('A post.') },
  ),
  read(
    {
      name: 'post',
      title: 'Get a post',
      description: 'With its replies and reactions.',
      route: '/channels/<nest>/posts/<postId>',
      params: { nest: NEST, postId: ID },
    },
    'post-response',
    { post: anything('The post.') },
  ),
  read(
    {
      name: 'listChats',
      title: 'List conversations',
      description: 'Those with other ships and those of clubs, in the order of their names.',
      route: '/chats',
      query: PAGING,
    },
    'chats-response',
    { chats: list('As `chat` answers it.'), continuationToken: CONTINUATION_TOKEN },
  ),
  read(
    {
      name: 'chat',
      title: 'Get a conversation',
      description: 'Whether it is open, or one of both is invited; and who is in the club, if it is one.',
      route: '/chats/<whom>',
      params: { whom: WHOM },
    },
    'chat-response',
    { chat: anything('The conversation.') },
  ),
  read(
    {
      name: 'listMessages',
      title: 'List messages of a conversation',
      description:
        'Newest first, with their latest replies; `before` is the `time` of a message. At most 100, and about 4 MB.',
      route: '/chats/<whom>/messages',
      params: { whom: WHOM },
      query: NEWEST,
    },
    'messages-response',
    { messages: list('A message.') },
  ),
  read(
    {
      name: 'message',
      title: 'Get a message of a conversation',
      description: 'With its latest replies.',
      route: '/chats/<whom>/messages/<messageId>',
      params: { whom: WHOM, messageId: MESSAGE },
    },
    'message-response',
    { message: anything('The message.') },
  ),
  read(
    {
      name: 'listMessageReplies',
      title: 'List replies to a message of a conversation',
      description: 'Newest first; `before` is the `time` of a reply. At most 100, and about 4 MB.',
      route: '/chats/<whom>/messages/<messageId>/replies',
      params: { whom: WHOM, messageId: MESSAGE },
      query: NEWEST,
    },
    'message-replies-response',
    { replies: list('A reply.') },
  ),
  read(
    { name: 'profile', title: 'Get the profile of a ship', description: 'What it says of itself.', route: '/profile' },
    'profile-response',
    { profile: anything('Its fields.') },
  ),
  read(
    {
      name: 'listContacts',
      title: 'List contacts',
      description: 'The pages of the book and those whom the ship has met, in the order of their names.',
      route: '/contacts',
      query: PAGING,
    },
    'contacts-response',
    { contacts: list('As `contact` answers it.'), continuationToken: CONTINUATION_TOKEN },
  ),
  read(
    {
      name: 'contact',
      title: 'Get a contact',
      description: 'What they say of themselves, and what the ship keeps about them.',
      route: '/contacts/<kip>',
      params: { kip: WHOM },
    },
    'contact-response',
    { contact: anything('The contact.') },
  ),
  read(
    {
      name: 'activity',
      title: 'Get what is new',
      description: 'What is unread, and how loud it is, for each source and for all together (`base`).',
      route: '/activity',
    },
    'activity-response',
    { sources: anything('By key.') },
  ),
  read(
    {
      name: 'listActivity',
      title: 'List what happened',
      description: 'Newest first; `before` is the `time` of an event. At most 50.',
      route: '/activity/events',
      query: { ...NEWEST, only: /^(mentions|replies)$/ },
    },
    'activity-events-response',
    { events: list('`time`, `source`, `key`, `event`, `wasNotified`') },
  ),
  read(
    {
      name: 'listHiddenPosts',
      title: 'List hidden posts',
      description: 'The ids of posts that the ship does not want to see.',
      route: '/hidden-posts',
    },
    'hidden-posts-response',
    { posts: Type.Array(Type.String()) },
  ),
] as const satisfies readonly MethodDeclaration[];
