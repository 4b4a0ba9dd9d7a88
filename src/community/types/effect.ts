// Action: what a user may do. Effect: what a run may ask for, which is the same and some more.
import { type Static, Type } from 'typebox';
import { Text } from '../schema/scalars.ts';
import { variants } from '../schema/schema.ts';
import { ActionActivity } from './activity.ts';
import { ActionChannels } from './channels.ts';
import { ActionClub, ActionContacts, ActionDM } from './chat.ts';
import { ActionEntry, ActionSections } from './entry.ts';
import { WaitingHook } from './event.ts';
import { ActionGroups } from './group.ts';

const ACTIONS = {
  channels: ActionChannels,
  groups: ActionGroups,
  activity: ActionActivity,
  dm: ActionDM,
  club: ActionClub,
  contacts: ActionContacts,
};

export const Action = variants(
  { ...ACTIONS, entry: ActionEntry, sections: ActionSections },
  { title: 'Action', description: 'What a user does, or a hook as the host: hooks do not know the last two.' },
);
export type Action = Static<typeof Action>;

export const TriggerTaskHook = Type.Object(
  { hookGroupId: Text, hookId: Text, payload: Type.Optional(Type.Unsafe<unknown>({})) },
  {
    title: 'TriggerTaskHook',
    description:
      'Fires a task hook with `payload`, an object (left out: `{}`), by the scopes of the role `hook-id:scripts/<name of the hook>`.',
  },
);
export type TriggerTaskHook = Static<typeof TriggerTaskHook>;

export const Effect = variants(
  { ...ACTIONS, wait: WaitingHook, trigger: TriggerTaskHook },
  { title: 'Effect', description: 'An action of the host, done after the event itself.' },
);
export type Effect = Static<typeof Effect>;
