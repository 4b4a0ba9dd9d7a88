// The community and the script hooks that live in it, joined with the rest of the server.

import type { Broker } from '../broker/broker.ts';
import { createCommunityApi } from '../community/api/api.ts';
import { type Community, createCommunity } from '../community/community.ts';
import { createShips, type Ships } from '../community/ships/ships.ts';
import type { Config } from '../config.ts';
import type { SecretBox } from '../core/secret-box.ts';
import type { Base } from '../database/base.ts';
import type { ApiService } from '../http/api-method.ts';
import { createScriptHooksApi } from '../script-hooks/api/api.ts';
import { createHosting, type Hosting } from '../script-hooks/hosting/hosting.ts';
import { createScriptLibrary, type ScriptLibrary } from '../script-hooks/library/library.ts';
import { createSandbox } from '../script-hooks/sandbox/sandbox.ts';
import type { TaskHooks } from '../task-hooks/task-hooks.ts';
import type { Timers } from '../timers/create-timers.ts';
import { createFireTaskHook } from './fire-task-hook.ts';
import type { Mode } from './mode.ts';

export type CommunityParts = AsyncDisposable & {
  readonly ships: Ships;
  readonly community: Community;
  readonly library: ScriptLibrary;
  readonly apis: readonly ApiService[];
  /** Does effects and runs of script hooks until the signal aborts. */
  readonly run: Hosting['run'];
  readonly whenIdle: Hosting['whenIdle'];
};

export type CommunityPartsSettings = Base & {
  readonly config: Pick<Config, 'ship' | 'retentionDays'>;
  readonly timers: Timers;
  readonly broker: Broker;
  readonly secretBox: SecretBox;
  readonly mode: Pick<Mode, 'satisfies' | 'scopesOfRole'>;
  readonly fire: TaskHooks['fire'];
  /** The server has been told to end. */
  readonly ending: AbortSignal;
};

export const createCommunityParts = async (settings: CommunityPartsSettings): Promise<CommunityParts> => {
  const { config, timers, broker, secretBox, mode, fire, database, clock, log, metrics, ending } = settings;
  const base: Base = { database, clock, log, metrics };
  await using undo = new AsyncDisposableStack();
  const ships = createShips({ ...base, ship: config.ship, secretBox });
  await ships.addHost();
  const sandbox = undo.use(createSandbox({ clock }));
  const our = config.ship;
  const hosting = undo.use(
    await createHosting({
      ...base,
      ...{ our, timers, sandbox, retentionDays: config.retentionDays },
      community: () => community,
      fireTaskHook: createFireTaskHook(mode, fire),
    }),
  );
  const community: Community = createCommunity({ ...base, broker, hooks: hosting.turnHooks });
  const library = createScriptLibrary({ ...base, timers, sandbox, our, onChange: hosting.onLibraryChange });
  const owned = undo.move();
  return {
    ...{ ships, community, library },
    apis: [
      createCommunityApi({ database, now: clock.now, ships, act: community.act }),
      createScriptHooksApi({ library, sandbox, our, database, clock, ending }),
    ],
    run: hosting.run,
    whenIdle: hosting.whenIdle,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};
