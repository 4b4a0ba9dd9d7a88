// What a client makes of the steps of a group that it knows.
import type { Meta } from '../../../community/types/group.ts';
import type { AirlockGroup, AirlockListed, AirlockSeat, AirlockToken } from '../group.ts';
import type { GroupStep } from '../group-facts.ts';

type Draft<T> = T extends object ? { -readonly [Key in keyof T]: Draft<T[Key]> } : T;
export type GroupDraft = Draft<AirlockGroup>;
type Ships = { readonly ships: readonly string[] };
type Request = Draft<AirlockGroup['admissions']['requests']>[string];

type Entry = {
  readonly privacy?: AirlockGroup['admissions']['privacy'];
  readonly ban?: Readonly<Record<string, readonly string[]>>;
  readonly token?: {
    readonly add?: { readonly token: string; readonly meta: Draft<AirlockToken> };
    readonly del?: string;
  };
  readonly pending?: { readonly add?: Ships & { readonly roles: string[] }; readonly del?: Ships };
  readonly ask?: { readonly add?: Request & { readonly ship: string }; readonly del?: Ships };
};
type Role = { readonly add?: Meta; readonly edit?: Meta; readonly del?: null };
type Listed = {
  readonly add?: Draft<AirlockListed>;
  readonly edit?: Draft<AirlockListed>;
  readonly del?: null;
  readonly section?: string;
  readonly 'add-readers'?: readonly string[];
  readonly 'del-readers'?: readonly string[];
};
type Seat = {
  readonly add?: Draft<AirlockSeat>;
  readonly del?: null;
  readonly 'add-roles'?: readonly string[];
  readonly 'del-roles'?: readonly string[];
};
type Section = {
  readonly add?: Meta;
  readonly edit?: Meta;
  readonly del?: null;
  readonly 'move-nest'?: { readonly nest: string; readonly idx: number };
  readonly set?: string[];
};
type Step = {
  readonly meta?: Meta;
  readonly entry?: Entry;
  readonly role?: { readonly roles: readonly string[]; readonly 'r-role': Role & object };
  readonly seat?: Ships & { readonly 'r-seat': Seat };
  readonly channel?: { readonly nest: string; readonly 'r-channel': Listed };
  readonly section?: { readonly 'section-id': string; readonly 'r-section': Section };
  readonly 'section-order'?: { readonly order: string[] };
  readonly 'flag-content'?: {
    readonly nest: string;
    readonly 'post-key': { readonly post: string; readonly reply: string | null };
    readonly src: string;
  };
};

const added = (list: readonly string[], more: readonly string[] = []) => [...list, ...more];
const removed = (list: readonly string[], fewer: readonly string[] = []) => list.filter((one) => !fewer.includes(one));

/** Changes the group. */
export const takeStep = (group: GroupDraft, given: GroupStep): void => {
  const step = given as Step;
  if (step.meta) group.meta = step.meta;
  if (step.entry) takeEntry(group.admissions, step.entry);
  if (step.role) for (const role of step.role.roles) takeRole(group, role, step.role['r-role']);
  if (step.seat) for (const ship of step.seat.ships) takeSeat(group, ship, step.seat['r-seat']);
  if (step.channel) takeChannel(group, step.channel.nest, step.channel['r-channel']);
  if (step.section) takeSection(group, step.section['section-id'], step.section['r-section']);
  if (step['section-order']) group['section-order'] = step['section-order'].order;
  if (step['flag-content']) takeFlag(group, step['flag-content']);
};

const takeEntry = (of: GroupDraft['admissions'], { privacy, ban = {}, token, pending, ask }: Entry): void => {
  if (privacy) of.privacy = privacy;
  for (const [word, list] of Object.entries(ban)) {
    const kind = word.endsWith('ships') ? 'ships' : 'ranks';
    of.banned = { ...of.banned, [kind]: (word.startsWith('add') ? added : removed)(of.banned[kind], list) };
  }
  if (token?.del) delete of.tokens[token.del];
  if (token?.add) of.tokens[token.add.token] = token.add.meta;
  for (const ship of pending?.del?.ships ?? []) delete of.pending[ship];
  for (const ship of pending?.add?.ships ?? []) of.pending[ship] = pending?.add?.roles ?? [];
  for (const ship of ask?.del?.ships ?? []) delete of.requests[ship];
  if (ask?.add) of.requests[ask.add.ship] = { requestedAt: ask.add.requestedAt, note: ask.add.note };
};

const takeRole = (group: GroupDraft, role: string, step: Role): void => {
  const meta = step.add ?? step.edit;
  if (meta) group.roles[role] = meta;
  if ('del' in step) delete group.roles[role];
  if ('set-admin' in step) group.admins = added(group.admins, [role]);
  if ('del-admin' in step) group.admins = removed(group.admins, [role]);
};

const takeSeat = (group: GroupDraft, ship: string, step: Seat): void => {
  if (step.add) group.seats[ship] = { ...step.add };
  if ('del' in step) delete group.seats[ship];
  const seat = group.seats[ship];
  if (seat) seat.roles = removed(added(seat.roles, step['add-roles']), step['del-roles']);
};

const takeChannel = (group: GroupDraft, nest: string, step: Listed): void => {
  const place = (section: string | undefined): void => {
    for (const [id, one] of Object.entries(group.sections)) {
      one.order = [...(id === section ? [nest] : []), ...removed(one.order, [nest])];
    }
  };
  const listed = step.add ?? step.edit;
  if (listed) group.channels[nest] = { ...listed };
  if ('del' in step) delete group.channels[nest];
  const channel = group.channels[nest];
  if (channel) channel.readers = removed(added(channel.readers, step['add-readers']), step['del-readers']);
  if (channel && step.section) channel.section = step.section;
  if (step.add || step.section || 'del' in step) place(channel?.section);
};

const takeSection = (group: GroupDraft, id: string, step: Section): void => {
  if (step.add) {
    group.sections[id] = { meta: step.add, order: [] };
    group['section-order'] = [id, ...group['section-order']];
  }
  if ('del' in step) {
    delete group.sections[id];
    group['section-order'] = removed(group['section-order'], [id]);
  }
  const section = group.sections[id];
  if (!section) return;
  if (step.edit) section.meta = step.edit;
  if (step.set) section.order = step.set;
  const move = step['move-nest'];
  if (move) section.order = removed(section.order, [move.nest]).toSpliced(move.idx, 0, move.nest);
};

const takeFlag = (group: GroupDraft, { nest, 'post-key': { post, reply }, src }: NonNullable<Step['flag-content']>) => {
  const posts = group['flagged-content'][nest] ?? {};
  const known = posts[post] ?? { flagged: false, flaggers: [], replies: {} };
  const after =
    reply === null
      ? { ...known, flagged: true, flaggers: added(known.flaggers, [src]) }
      : { ...known, replies: { ...known.replies, [reply]: added(known.replies[reply] ?? [], [src]) } };
  group['flagged-content'][nest] = { ...posts, [post]: after };
};
