// Makes a group with its channels and guests for a client: all of it, or nothing.
import { Type } from 'typebox';
import type { Act } from '../../../community/community.ts';
import { NO_META, newGroup } from '../../../community/groups/new-group.ts';
import { decoder } from '../../../community/schema/decode.ts';
import { Flag, Nest, SomeShips, Text } from '../../../community/schema/scalars.ts';
import { maybe } from '../../../community/schema/schema.ts';
import type { Action } from '../../../community/types/effect.ts';
import type { Meta } from '../../../community/types/group.ts';
import type { Base } from '../../../database/base.ts';
import { changing } from '../../vocabulary/group-action.ts';
import { refuse, type Thread } from '../agent.ts';
import { readAirlockGroup } from './read-groups.ts';

const PartialMeta = Type.Object({
  ...{ title: maybe(Text), description: maybe(Text), image: maybe(Text), cover: maybe(Text) },
});
const Asked = Type.Object({
  groupId: Flag,
  meta: maybe(PartialMeta),
  guestList: maybe(SomeShips),
  channels: maybe(Type.Array(Type.Object({ channelId: Nest, meta: maybe(PartialMeta) }))),
});
const decodeAsked = decoder(Asked);

const MOST_CHANNELS = 50;

export const createGroupThread = ({
  database,
  clock,
  act,
}: Pick<Base, 'database' | 'clock'> & { act: Act }): Thread => ({
  desk: 'groups',
  name: 'group-create-1',
  run: async (json, ship) => {
    const decoded = decodeAsked(json);
    if (!decoded.ok) return refuse(`The group is wrong at ${decoded.pointer || 'its root'}: ${decoded.reason}`);
    const { groupId: flag, meta, guestList, channels } = decoded.value;
    if ((channels ?? []).length > MOST_CHANNELS)
      return refuse(`A group begins with at most ${MOST_CHANNELS} channels.`);
    const foreign = channels?.find(({ channelId }) => channelId.split('/')[1] !== ship);
    if (foreign) return refuse(`You can make channels of your own only, and ${foreign.channelId} is not.`);
    const now = clock.now();
    const begun = newGroup({ host: ship, title: '', now });
    const guests = (guestList ?? []).filter((guest) => guest !== ship);
    const create = {
      ...{ ...begun, meta: wholeMeta(meta), cordon: { shut: { pending: [], ask: [] } }, secret: true },
      fleet: { ...Object.fromEntries(guests.map((guest) => [guest, { sects: [], joined: 0 }])), ...begun.fleet },
    };
    const actions = [
      changing(flag, { create }),
      ...(channels ?? []).flatMap(({ channelId, meta }) => channelActions(flag, channelId, wholeMeta(meta), now)),
    ];
    const result = await act(actions, { actor: ship });
    if (result.kind !== 'done') return refuse(result.reason);
    return { kind: 'done', json: await readAirlockGroup(database, ship, flag) };
  },
});

type SomeMeta = { readonly [Key in keyof Meta]?: Meta[Key] | null | undefined };

const wholeMeta = (meta: SomeMeta | null | undefined): Meta => ({
  ...NO_META,
  ...Object.fromEntries(Object.entries(meta ?? {}).filter(([, text]) => typeof text === 'string')),
});

const channelActions = (flag: string, nest: string, meta: Meta, now: number): Action[] => {
  const [kind = '', , name = ''] = nest.split('/');
  const { title, description, image, cover } = meta;
  const create = { kind, name, group: flag, title, description, readers: [], writers: [] };
  const edit = { meta, added: now, zone: 'default', join: false, readers: [] };
  const pictures = image === '' && cover === '' ? [] : [changing(flag, { channel: { nest, diff: { edit } } })];
  return [{ channels: { create } }, ...pictures];
};
