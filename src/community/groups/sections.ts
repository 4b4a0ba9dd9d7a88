// The sections under which a group lists its channels, and their order.
import type { Group, ZoneDiff } from '../types/group.ts';
import {
  changed,
  difference,
  type GroupChange,
  refused,
  type Sections,
  UNCHANGED,
  union,
  without,
} from './group-change.ts';
import { DEFAULT_ZONE, NO_META } from './new-group.ts';

export const changeSection = (group: Group, { zone, delta }: ZoneDiff): GroupChange => {
  const section = Object.hasOwn(group.zones, zone) ? group.zones[zone] : undefined;
  if ('add' in delta) {
    if (section) return refused(`The section "${zone}" is there already; edit it.`);
    const zones = { ...group.zones, [zone]: { meta: delta.add, idx: [] } };
    return changed({ ...group, zones, 'zone-ord': [zone, ...group['zone-ord']] });
  }
  if (!section) return refused(`The group has no section "${zone}".`);
  if ('edit' in delta)
    return changed({ ...group, zones: { ...group.zones, [zone]: { ...section, meta: delta.edit } } });
  if ('del' in delta) return deleteSection(group, zone);
  if ('mov' in delta) return changed({ ...group, 'zone-ord': moved(group['zone-ord'], zone, delta.mov) });
  const { nest, idx } = delta['mov-nest'];
  if (!section.idx.includes(nest)) return UNCHANGED;
  return changed({ ...group, zones: { ...group.zones, [zone]: { ...section, idx: moved(section.idx, nest, idx) } } });
};

const deleteSection = (group: Group, zone: string): GroupChange => {
  if (zone === DEFAULT_ZONE) return refused(`The section "${DEFAULT_ZONE}" cannot be deleted.`);
  const orphans = group.zones[zone]?.idx ?? [];
  const rest = { ...group, zones: without(group.zones, [zone]), 'zone-ord': difference(group['zone-ord'], [zone]) };
  return changed(orphans.reduceRight((next, nest) => place(next, nest, DEFAULT_ZONE), rest));
};

/** All sections as given. The default one stays, and has the channels that stand nowhere. */
export const withSections = (group: Group, given: Sections): Group => {
  const left = new Set(Object.keys(group.channels));
  const fallback: Group['zones'] = { [DEFAULT_ZONE]: { meta: group.zones[DEFAULT_ZONE]?.meta ?? NO_META, idx: [] } };
  const zones: Group['zones'] = Object.fromEntries(
    Object.entries({ ...fallback, ...(given.zones ?? group.zones) }).map(([zone, { meta, idx }]) => [
      zone,
      { meta, idx: idx.filter((nest) => left.delete(nest)) },
    ]),
  );
  zones[DEFAULT_ZONE]?.idx.push(...left);
  const zoneOf = Object.entries(zones).flatMap(([zone, { idx }]) => idx.map((nest) => [nest, zone] as const));
  const channels = zoneOf.flatMap(([nest, zone]) => {
    const channel = group.channels[nest];
    return channel ? [[nest, { ...channel, zone }]] : [];
  });
  const order = given['zone-ord'].filter((zone) => Object.hasOwn(zones, zone));
  return {
    ...group,
    zones,
    'zone-ord': union(order, Object.keys(zones)),
    channels: { ...group.channels, ...Object.fromEntries(channels) },
  };
};

/** The group with this channel at the front of that section, and in no other. */
export const place = (group: Group, nest: string, zone: string): Group => {
  const zones = Object.entries(sectionsWithout(group, nest)).map(([name, section]) =>
    name === zone ? [name, { ...section, idx: [nest, ...section.idx] }] : [name, section],
  );
  const channel = group.channels[nest];
  const channels = channel ? { ...group.channels, [nest]: { ...channel, zone } } : group.channels;
  return { ...group, zones: Object.fromEntries(zones), channels };
};

export const sectionsWithout = ({ zones }: Group, nest: string): Group['zones'] =>
  Object.fromEntries(
    Object.entries(zones).map(([name, section]) => [name, { ...section, idx: difference(section.idx, [nest]) }]),
  );

const moved = (list: readonly string[], one: string, to: number): string[] =>
  difference(list, [one]).toSpliced(to, 0, one);
