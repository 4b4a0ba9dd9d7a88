// Effect: an action that a run asks for.
import type { Static } from 'typebox';
import { variants } from '../schema/schema.ts';
import { ActionActivity } from './activity.ts';
import { ActionChannels } from './channels.ts';
import { ActionClub, ActionContacts, ActionDM } from './chat.ts';
import { WaitingHook } from './event.ts';
import { ActionGroups } from './group.ts';

export const Effect = variants(
  {
    channels: ActionChannels,
    groups: ActionGroups,
    activity: ActionActivity,
    dm: ActionDM,
    club: ActionClub,
    contacts: ActionContacts,
    wait: WaitingHook,
  },
  { title: 'Effect', description: 'An action of the host, done after the event itself.' },
);
export type Effect = Static<typeof Effect>;
