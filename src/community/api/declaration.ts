// The API of the community as data: ships, what they do, and what they read.
import Type from 'typebox';
import type { ApiDeclaration, MethodDeclaration } from '../../http/api-method.ts';
import { PAGING, READS, SHIP } from './read-methods.ts';
import { ACT_RESPONSE, ACTION, ANSWER, CONTINUATION_TOKEN, SHIP_WITH_CODE, schemaOf } from './schemas.ts';

/** Twice the largest post. The worst action of this size takes some 40 ms to check. */
export const LARGEST_ACT_BYTES = 512 * 1024;

const METHODS = [
  {
    name: 'listShips',
    title: 'List ships',
    description: 'The ships of this server with their login codes, in the order of their names.',
    verb: 'GET',
    route: '/ships',
    query: PAGING,
    scopes: 'community:ships',
    output: schemaOf('ships-response', { ships: Type.Array(SHIP_WITH_CODE), continuationToken: CONTINUATION_TOKEN }),
  },
  {
    name: 'addShip',
    title: 'Add a ship',
    description: 'Makes a user of this server, with a login code of its own.',
    verb: 'PUT',
    route: '/ships/<ship>',
    params: { ship: SHIP },
    scopes: 'community:ships',
    output: { name: 'ship-response', schema: SHIP_WITH_CODE },
  },
  {
    name: 'resetCode',
    title: 'Replace the login code of a ship',
    description: 'The ship gets another code; the one that it had opens nothing any more.',
    verb: 'POST',
    route: '/ships/<ship>/reset-code',
    params: { ship: SHIP },
    scopes: 'community:ships',
    output: { name: 'ship-response', schema: SHIP_WITH_CODE },
  },
  {
    name: 'act',
    title: 'Act as a ship',
    description:
      'Does what the action says, with the permissions of the ship: posts, changes groups and channels, writes to others, keeps contacts. It is the same ' +
      'action that a hook may return as an effect. Answered when it is done and durable. What the rules of the community do not admit is `ActionRefused`, ' +
      'what a hook of the channel denies `ActionDenied`; both say why.',
    verb: 'POST',
    route: '/ships/<ship>/act',
    params: { ship: SHIP },
    scopes: 'community:act:<ship>',
    input: ACTION,
    largestBody: LARGEST_ACT_BYTES,
    output: ACT_RESPONSE,
  },
  {
    name: 'answerInvitation',
    title: 'Answer an invitation to a conversation',
    description: 'Accepts or declines what another ship began. Who declines keeps nothing of the conversation.',
    verb: 'POST',
    route: '/ships/<ship>/chats/<whom>/answer',
    params: { ship: SHIP, whom: SHIP },
    scopes: 'community:act:<ship>',
    input: ANSWER,
  },
  {
    name: 'blockShip',
    title: 'Block a ship',
    description: 'From then on nothing that it writes to the ship is taken.',
    verb: 'PUT',
    route: '/ships/<ship>/blocked/<other>',
    params: { ship: SHIP, other: SHIP },
    scopes: 'community:act:<ship>',
  },
  {
    name: 'unblockShip',
    title: 'Unblock a ship',
    description: 'It is heard again. That it was not blocked is no error.',
    verb: 'DELETE',
    route: '/ships/<ship>/blocked/<other>',
    params: { ship: SHIP, other: SHIP },
    scopes: 'community:act:<ship>',
  },
  ...READS,
] as const satisfies readonly MethodDeclaration[];

type Declared = (typeof METHODS)[number];

/** Without `ping` and its like, which every service has (http/). */
export const COMMUNITY_API: ApiDeclaration<MethodDeclaration & { readonly name: Declared['name'] }> = {
  service: 'community',
  title: 'Community Service',
  description: 'Ships, their groups and channels, conversations, contacts and activity.',
  methods: METHODS,
};
