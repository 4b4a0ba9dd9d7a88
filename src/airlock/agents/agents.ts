// All agents that this server has.
import type { Act } from '../../community/community.ts';
import type { Ships } from '../../community/ships/ships.ts';
import type { Base } from '../../database/base.ts';
import { createActAs } from './acting.ts';
import { createActivity } from './activity/activity.ts';
import type { Agent, Thread } from './agent.ts';
import { createChannelsAgent } from './channels/channels.ts';
import { createChat } from './chat/chat.ts';
import { createContacts } from './contacts/contacts.ts';
import { docket } from './docket.ts';
import { createGroupThread } from './groups/create-group.ts';
import { createGroups } from './groups/groups.ts';
import { createGroupsUi } from './groups-ui/groups-ui.ts';
import { hood } from './hood.ts';
import { createChannelsServer } from './hooks/channels-server.ts';
import type { HooksPort } from './hooks/hooks-port.ts';
import { createHooksPreview } from './hooks/hooks-preview.ts';
import { createSettings } from './settings/settings.ts';

export type AgentsSettings = Base & {
  readonly act: Act;
  readonly ships: Ships;
  readonly hooks: HooksPort;
};

export const createAgents = (settings: AgentsSettings): { agents: readonly Agent[]; threads: readonly Thread[] } => {
  const { database, act, hooks } = settings;
  const actAs = createActAs(act);
  const previewHooks = createHooksPreview(database, hooks);
  const channels = createChannelsAgent({ database, actAs, previewHooks });
  const chat = createChat({ ...settings, actAs });
  return {
    agents: [
      ...[hood, docket, createGroups(settings), channels, chat, createActivity({ ...settings, actAs })],
      createChannelsServer(hooks, previewHooks),
      createContacts({ database, actAs }),
      createSettings(database),
      createGroupsUi({ database, scryChannels: channels.scry, scryChat: chat.scry }),
    ],
    threads: [createGroupThread(settings)],
  };
};
