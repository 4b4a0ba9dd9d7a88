// Who comes into a group, beyond what its cordon says: for clients that say more than hooks do.
import { type Static, Type } from 'typebox';
import { ClubId, Flag, Millis, Nothing, Role, Ship, Text, Whole } from '../schema/scalars.ts';
import { maybe, nullable, variants } from '../schema/schema.ts';
import { OpenCordonDiff, Zones } from './group.ts';
import { Story } from './story.ts';

const ships = Type.Array(Ship);
const note = nullable(Story);
/** A number in the spelling of ids of clubs. */
const TokenId = ClubId;

export const TokenScheme = variants(
  { forever: Nothing, limited: Whole, personal: Ship },
  { title: 'TokenScheme', description: 'Whom a token lets in: all, so many, or one ship.' },
);
export type TokenScheme = Static<typeof TokenScheme>;

export const TokenDiff = variants(
  {
    add: Type.Object({ token: TokenId, scheme: TokenScheme, expiry: Millis, label: nullable(Text) }),
    del: TokenId,
  },
  { title: 'TokenDiff', description: 'Makes a token, and takes it back with all invitations that it is in.' },
);
export type TokenDiff = Static<typeof TokenDiff>;

export const EntryDiff = variants(
  {
    privacy: Text,
    add: ships,
    ban: OpenCordonDiff,
    'set-bans': Type.Object({ ships, ranks: Type.Array(Text) }),
    invite: Type.Object({ ships, token: nullable(TokenId), note }),
    pending: Type.Object({ ships, roles: Type.Array(Role) }),
    revoke: ships,
    approve: ships,
    deny: ships,
    token: TokenDiff,
    join: Type.Object({ 'join-all': Type.Boolean() }),
    knock: Type.Object({ note }),
    rescind: Nothing,
    decline: Nothing,
  },
  {
    title: 'EntryDiff',
    description:
      '`privacy`: public, private or secret. `add`: members, who have not come yet. `pending`: the roles that invited ships will have. The last four are about oneself.',
  },
);
export type EntryDiff = Static<typeof EntryDiff>;

export const ActionEntry = Type.Object(
  { flag: Flag, diff: EntryDiff },
  { title: 'ActionEntry', description: 'Who may come into a group, and coming in.' },
);
export type ActionEntry = Static<typeof ActionEntry>;

export const ActionSections = Type.Object(
  { flag: Flag, zones: maybe(Zones), 'zone-ord': Type.Array(Role) },
  { title: 'ActionSections', description: 'All sections of a group at once, with their channels; or their order.' },
);
export type ActionSections = Static<typeof ActionSections>;
