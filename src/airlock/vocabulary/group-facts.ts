// What is told of a group that has changed: the steps from what it was to what it is. Whoever does
// them one after the other has the group as it is now.
import { isDeepStrictEqual } from 'node:util';
import { type AirlockGroup, type AirlockListed, type AirlockSeat, airlockGroup, type GroupAndEntry } from './group.ts';

/** One step, as it stands in a fact: `{meta: …}`, `{seat: …}`. */
export type GroupStep = Readonly<Record<string, unknown>>;

type By<T> = Readonly<Record<string, T>>;

export const groupSteps = (before: GroupAndEntry, after: GroupAndEntry): readonly GroupStep[] => {
  const members = differing(before.group.fleet, after.group.fleet, (one, other) => {
    return one.joined === other.joined && isSame(one.sects, other.sects);
  });
  const invited = differing(before.entry.invited, after.entry.invited, (one, other) => isSame(one.roles, other.roles));
  const requests = differing(before.entry.requests, after.entry.requests, (one, other) => {
    return one.at === other.at && isDeepStrictEqual(one.note, other.note);
  });
  const shown = ({ group, entry }: GroupAndEntry, place: 0 | 1) => {
    const some = { invited: invited[place], requests: requests[place] };
    return airlockGroup({ group: { ...group, fleet: members[place] }, entry: { ...entry, ...some } }, []);
  };
  return stepsBetween(shown(before, 0), shown(after, 1));
};

/** By ship: a group may have to do with tens of thousands, and little of them changes at once. */
const differing = <T>(before: By<T>, after: By<T>, isEqual: (one: T, other: T) => boolean): [By<T>, By<T>] => {
  const [was, is]: [Record<string, T>, Record<string, T>] = [{}, {}];
  if (before === after) return [was, is];
  for (const ship of Object.keys(after)) {
    const [old, now] = [before[ship], after[ship]];
    if (now === undefined || (old !== undefined && isEqual(old, now))) continue;
    is[ship] = now;
    if (old !== undefined) was[ship] = old;
  }
  for (const ship of Object.keys(before)) {
    const old = before[ship];
    if (old !== undefined && !Object.hasOwn(after, ship)) was[ship] = old;
  }
  return [was, is];
};

const stepsBetween = (before: AirlockGroup, after: AirlockGroup): readonly GroupStep[] => [
  ...(isDeepStrictEqual(before.meta, after.meta) ? [] : [{ meta: after.meta }]),
  ...admissionSteps(before.admissions, after.admissions).map((entry) => ({ entry })),
  ...roleSteps(before, after),
  ...seatSteps(before.seats, after.seats),
  ...sectionSteps(before, after),
  ...gone(before.roles, after.roles).map((role) => ({ role: { roles: [role], 'r-role': { del: null } } })),
  ...flagSteps(before['flagged-content'], after['flagged-content']),
];

const gone = <T>(before: By<T>, after: By<T>): string[] =>
  Object.keys(before).filter((key) => !Object.hasOwn(after, key));

/** Keys of values that are new or others, those of equal values together. */
const changed = <T>(before: By<T>, after: By<T>): [T, string[]][] => {
  const keys = Object.keys(after).filter(
    (key) => !Object.hasOwn(before, key) || !isDeepStrictEqual(before[key], after[key]),
  );
  const groups = Map.groupBy(keys, (key) => JSON.stringify(after[key]));
  return [...groups.values()].map((same) => [after[same[0] as string] as T, same]);
};

const difference = (list: readonly string[], fewer: readonly string[]): string[] => {
  const without = new Set(fewer);
  return list.filter((one) => !without.has(one));
};

/** What was added under one word, and what was taken away under another. */
const listSteps = (before: readonly string[], after: readonly string[], add: string, del: string): GroupStep[] => {
  const added = difference(after, before);
  const removed = difference(before, after);
  return [...(added.length > 0 ? [{ [add]: added }] : []), ...(removed.length > 0 ? [{ [del]: removed }] : [])];
};

const admissionSteps = (before: AirlockGroup['admissions'], after: AirlockGroup['admissions']): GroupStep[] => {
  const uninvited = gone(before.pending, after.pending);
  const unasked = gone(before.requests, after.requests);
  return [
    ...(before.privacy === after.privacy ? [] : [{ privacy: after.privacy }]),
    ...listSteps(before.banned.ships, after.banned.ships, 'add-ships', 'del-ships').map((ban) => ({ ban })),
    ...listSteps(before.banned.ranks, after.banned.ranks, 'add-ranks', 'del-ranks').map((ban) => ({ ban })),
    ...gone(before.tokens, after.tokens).map((token) => ({ token: { del: token } })),
    ...changed(before.tokens, after.tokens).flatMap(([meta, tokens]) =>
      tokens.map((token) => ({ token: { add: { token, meta } } })),
    ),
    ...(uninvited.length > 0 ? [{ pending: { del: { ships: uninvited } } }] : []),
    ...changed(before.pending, after.pending).map(([roles, ships]) => ({ pending: { add: { ships, roles } } })),
    ...(unasked.length > 0 ? [{ ask: { del: { ships: unasked } } }] : []),
    ...changed(before.requests, after.requests).flatMap(([request, ships]) =>
      ships.map((ship) => ({ ask: { add: { ship, ...request } } })),
    ),
  ];
};

const roleSteps = (before: AirlockGroup, after: AirlockGroup): GroupStep[] => [
  ...changed(before.roles, after.roles).flatMap(([meta, roles]) =>
    roles.map((role) => ({
      role: { roles: [role], 'r-role': Object.hasOwn(before.roles, role) ? { edit: meta } : { add: meta } },
    })),
  ),
  ...listSteps(before.admins, after.admins, 'set-admin', 'del-admin').flatMap((step) =>
    Object.entries(step).map(([word, roles]) => ({ role: { roles, 'r-role': { [word]: null } } })),
  ),
];

const seatSteps = (before: By<AirlockSeat>, after: By<AirlockSeat>): GroupStep[] => {
  const removed = gone(before, after);
  const others = Object.entries(after).filter(([ship, { joined }]) => before[ship]?.joined !== joined);
  const stays = Object.entries(after).filter(
    ([ship, { joined, roles }]) => before[ship]?.joined === joined && !isSame(before[ship].roles, roles),
  );
  const rolesOf = (word: string, of: (was: readonly string[], is: readonly string[]) => string[]): GroupStep[] => {
    const roles = stays.map(([ship, seat]) => [ship, of(before[ship]?.roles ?? [], seat.roles)] as const);
    const some = Object.fromEntries(roles.filter(([, list]) => list.length > 0));
    return changed({}, some).map(([list, ships]) => ({ seat: { ships, 'r-seat': { [word]: list } } }));
  };
  return [
    ...(removed.length > 0 ? [{ seat: { ships: removed, 'r-seat': { del: null } } }] : []),
    ...changed({}, Object.fromEntries(others)).map(([add, ships]) => ({ seat: { ships, 'r-seat': { add } } })),
    ...rolesOf('add-roles', (was, is) => difference(is, was)),
    ...rolesOf('del-roles', (was, is) => difference(was, is)),
  ];
};

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((item, index) => item === other[index]);

/** A new channel, and one that has moved, is at the front of its section; so is a new section. */
const sectionSteps = (before: AirlockGroup, after: AirlockGroup): GroupStep[] => {
  const section = (id: string, step: GroupStep) => ({ section: { 'section-id': id, 'r-section': step } });
  const removed = gone(before.sections, after.sections);
  const added = Object.keys(after.sections).filter((id) => !Object.hasOwn(before.sections, id));
  const edited = Object.entries(after.sections).filter(
    ([id, { meta }]) => Object.hasOwn(before.sections, id) && !isDeepStrictEqual(before.sections[id]?.meta, meta),
  );
  const order = [...added.toReversed(), ...difference(before['section-order'], removed)];
  const isInOrder = isDeepStrictEqual(order, after['section-order']);
  return [
    ...added.map((id) => section(id, { add: after.sections[id]?.meta })),
    ...edited.map(([id, { meta }]) => section(id, { edit: meta })),
    ...channelSteps(before, after),
    ...removed.map((id) => section(id, { del: null })),
    ...Object.entries(after.sections).flatMap(([id, { order }]) => {
      const found = moves(orderBefore(before, after, id), order);
      return found.length > MOST_MOVES
        ? [section(id, { set: order })]
        : found.map((move) => section(id, { 'move-nest': move }));
    }),
    ...(isInOrder ? [] : [{ 'section-order': { order: after['section-order'] } }]),
  ];
};

const channelSteps = (before: AirlockGroup, after: AirlockGroup): GroupStep[] => {
  const steps = (was: AirlockListed | undefined, is: AirlockListed): GroupStep[] => {
    if (!was) return [{ add: is }];
    const isEdited = !isDeepStrictEqual({ ...was, section: '', readers: [] }, { ...is, section: '', readers: [] });
    return [
      ...(isEdited ? [{ edit: { ...was, meta: is.meta, added: is.added, join: is.join } }] : []),
      ...listSteps(was.readers, is.readers, 'add-readers', 'del-readers'),
      ...(was.section === is.section ? [] : [{ section: is.section }]),
    ].map((step) => step as GroupStep);
  };
  const channel = (nest: string, step: GroupStep) => ({ channel: { nest, 'r-channel': step } });
  return [
    ...gone(before.channels, after.channels).map((nest) => channel(nest, { del: null })),
    ...Object.entries(after.channels).flatMap(([nest, is]) =>
      steps(before.channels[nest], is).map((step) => channel(nest, step)),
    ),
  ];
};

/** How the section stands after the steps of its channels. */
const orderBefore = (before: AirlockGroup, after: AirlockGroup, id: string): string[] => {
  const known = Object.hasOwn(before.sections, id) ? (before.sections[id]?.order ?? []) : [];
  const stay = known.filter((nest) => after.channels[nest]?.section === id && before.channels[nest]?.section === id);
  const came = Object.entries(after.channels).flatMap(([nest, { section }]) =>
    section === id && before.channels[nest]?.section !== id ? [nest] : [],
  );
  return [...came.toReversed(), ...stay];
};

/** Moves of a section; more are told as one. */
const MOST_MOVES = 100;

const moves = (from: readonly string[], to: readonly string[]): { nest: string; idx: number }[] => {
  const found: { nest: string; idx: number }[] = [];
  let now = from;
  for (const [idx, nest] of to.entries()) {
    if (now[idx] === nest) continue;
    found.push({ nest, idx });
    if (found.length > MOST_MOVES) break;
    now = difference(now, [nest]).toSpliced(idx, 0, nest);
  }
  return found;
};

const flagSteps = (before: AirlockGroup['flagged-content'], after: AirlockGroup['flagged-content']): GroupStep[] =>
  Object.entries(after).flatMap(([nest, posts]) =>
    Object.entries(posts).flatMap(([post, { flaggers, replies }]) => {
      const known = before[nest]?.[post];
      const steps = (reply: string | null, is: readonly string[], was: readonly string[] = []) =>
        difference(is, was).map((src) => ({ 'flag-content': { nest, 'post-key': { post, reply }, src } }));
      return [
        ...steps(null, flaggers, known?.flaggers),
        ...Object.entries(replies).flatMap(([reply, ships]) => steps(reply, ships, known?.replies[reply])),
      ];
    }),
  );
