// A group as it begins: its host is the only member, one role is an admin, one section is there.
import type { Group } from '../types/group.ts';

export const ADMIN_ROLE = 'admin';
/** The section that is always there. */
export const DEFAULT_ZONE = 'default';

export const NO_META = { title: '', description: '', image: '', cover: '' };

const meta = (title: string, description = '') => ({ ...NO_META, title, description });

export type NewGroup = {
  readonly host: string;
  readonly title: string;
  readonly description?: string;
  /** ms since the epoch. */
  readonly now: number;
};

export const newGroup = ({ host, title, description, now }: NewGroup): Group => ({
  fleet: { [host]: { sects: [ADMIN_ROLE], joined: now } },
  cabals: { [ADMIN_ROLE]: { meta: meta('Admin') } },
  zones: { [DEFAULT_ZONE]: { meta: meta('Sectionless'), idx: [] } },
  'zone-ord': [DEFAULT_ZONE],
  channels: {},
  'active-channels': [],
  bloc: [ADMIN_ROLE],
  cordon: { open: { ships: [], ranks: [] } },
  meta: meta(title, description),
  secret: false,
  'flagged-content': {},
});
