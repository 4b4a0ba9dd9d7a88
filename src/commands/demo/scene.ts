// The scene of the demonstration: who is there, which examples run where, and what happens.
import { BUD, FES, GROUP, HOST, NEC, nestOf, type Stage } from './stage.ts';

const SECOND_IN_DAYS = 1 / (24 * 60 * 60);

/** Which examples run in which channel, in their order, with their settings there. */
const CHANNELS: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  lounge: {
    'word-filter': { words: ['casino'] },
    truncate: { characters: 40 },
    welcome: {},
    'role-on-reaction': { emoji: ':star:', role: 'star' },
    'alert-on-reaction': { for: NEC },
    'run-task': { hookGroupId: 'garden', hookId: 'clean' },
  },
  market: {
    'slow-mode': { seconds: 60 },
    'confirm-later': { seconds: 1 },
    forward: { to: nestOf('archive') },
  },
  lobby: { 'kick-inactive': { days: SECOND_IN_DAYS } },
  archive: {},
};

export const playScene = async (stage: Stage): Promise<void> => {
  const ids = await setUp(stage);
  await playLounge(stage);
  await playMarket(stage);
  await playTasks(stage);
  await playLobby(stage, ids['kick-inactive'] as string);
  const { runs } = await stage.connection.scripts.listRuns({ limit: 1000 });
  const outcomes = Object.entries(Object.groupBy(runs, ({ outcome }) => outcome));
  stage.heading('The ledger has every run, with what it saw, did and printed');
  stage.tell(`${runs.length} runs: ${outcomes.map(([outcome, all]) => `${all?.length} ${outcome}`).join(', ')}`);
};

/** Answers the ids of the scripts by their names. */
const setUp = async (stage: Stage): Promise<Readonly<Record<string, string>>> => {
  const { act, connection } = stage;
  const change = (diff: object) => act(HOST, { groups: { flag: GROUP, update: { diff } } });
  const words = { description: '', image: '', cover: '' };
  await change({ create: newGroup });
  await change({ cabal: { sect: 'star', diff: { add: { title: 'Star', ...words } } } });
  for (const ship of [NEC, FES, BUD]) {
    const add = { fleet: { ships: [ship], diff: { add: null } } };
    await act(ship, { groups: { flag: GROUP, update: { diff: add } } });
  }
  const ids: Record<string, string> = {};
  for (const [name, scripts] of Object.entries(CHANNELS)) {
    const create = { kind: 'chat', name, group: GROUP, title: name, description: '', readers: [], writers: [] };
    await act(HOST, { channels: { create } });
    const nest = nestOf(name);
    for (const [script, config] of Object.entries(scripts)) {
      ids[script] = await stage.add(script);
      await connection.scripts.act({ config: { id: ids[script], nest, config: { ...config } } });
    }
    await connection.scripts.act({ order: { nest, seq: Object.keys(scripts).map((script) => ids[script] as string) } });
  }
  await makeTaskHooks(stage);
  stage.heading(
    `The group ${GROUP} with ${[HOST, NEC, FES, BUD].join(', ')}, and ${Object.keys(ids).length} script hooks`,
  );
  for (const [name, scripts] of Object.entries(CHANNELS)) {
    stage.tell(`${name.padEnd(8)} ${Object.keys(scripts).join(', ') || '(none)'}`);
  }
  return ids;
};

/** The host, an admin's role and a section are in every group. */
const newGroup = {
  ...{ fleet: {}, cabals: {}, zones: {}, 'zone-ord': [], channels: {}, 'active-channels': [], bloc: ['admin'] },
  ...{ cordon: { open: { ships: [], ranks: [] } }, secret: false, 'flagged-content': {} },
  meta: { title: 'Garden', description: '', image: '', cover: '' },
};

const makeTaskHooks = async ({ connection: { auth, hooks } }: Stage): Promise<void> => {
  const queue = ['queue:create-task:lowest:garden/worker', 'queue:create-task:project:none', 'queue:scheduler-id:-'];
  const role = (roleId: string, scopes: readonly string[]) => auth.createRole(roleId, { scopes, description: '' });
  await role('hook-id:garden/*', queue);
  // A script has the power of its role, and no more.
  await role('hook-id:scripts/run-task', ['hooks:trigger-hook:garden/clean']);
  const about = (name: string) => ({ name, description: '', owner: 'demo@example.com' });
  const task = (name: string, payload: object) => ({
    ...{ taskQueueId: 'garden/worker', payload },
    metadata: { ...about(name), source: 'https://example.com/' },
  });
  await hooks.createHook('garden', 'clean', {
    metadata: about('Clean'),
    triggerSchema: { type: 'object' },
    task: task('clean', { $eval: 'payload' }),
  });
  await hooks.createHook('garden', 'note', {
    metadata: about('Note'),
    triggerSchema: { type: 'object' },
    bindings: [{ exchange: 'exchange/hookwright/v1/channel-event', routingKeyPattern: 'chat.*.market.post-add' }],
    task: task('note', { by: '${payload.author}', in: '${payload.nest}', post: '${payload.post}' }),
  });
};

const playLounge = async (stage: Stage): Promise<void> => {
  const { heading, say, hears, react, until, tell } = stage;
  heading('State: welcome greets each of them once');
  const first = await say(NEC, 'lounge', 'Good morning');
  await hears('lounge', ({ text }) => text === `Welcome, ${NEC}!`);
  await say(NEC, 'lounge', 'Is anybody here?');

  heading('Denial: word-filter says why, and nothing is stored');
  await say(FES, 'lounge', 'I was in the casino');

  heading('Transformation: truncate cuts what is long');
  await say(BUD, 'lounge', 'Once upon a time there was a garden with a pond in it');
  await hears('lounge', ({ author, text }) => author === BUD && text.endsWith('…'));

  heading('Roles: role-on-reaction gives one when the host reacts');
  await react(HOST, 'lounge', first, ':star:');
  const roles = await until('the role', async () => {
    const sects = (await stage.groupAs(FES)).fleet[NEC]?.sects ?? [];
    return sects.length > 0 ? sects : undefined;
  });
  tell(`${NEC} has the role ${roles.join(', ')}`);

  heading('Direct messages: alert-on-reaction tells the author');
  await react(FES, 'lounge', first, ':fire:');
  const message = await until('the message', async () =>
    (await stage.messagesOf(NEC)).find((text) => text.includes(':fire:')),
  );
  tell(`${HOST} to ${NEC}: ${message}`);
};

const playMarket = async ({ heading, say, hears }: Stage): Promise<void> => {
  heading('State again: slow-mode remembers who has just written');
  await say(NEC, 'market', 'Roses for sale');
  await say(NEC, 'market', 'Roses, fresh roses');

  heading('Another channel: forward copies posts there');
  await hears('archive', ({ text }) => text.includes('Roses for sale'));

  heading('Wake: confirm-later comes back after a second');
  await hears('market', ({ reactions }) => reactions !== '');
};

const playTasks = async (stage: Stage): Promise<void> => {
  const { heading, say, until, tell, connection } = stage;
  const taskOf = async (hookId: string): Promise<string> => {
    const taskId = await until(`a task of garden/${hookId}`, async () => {
      const { fires } = await connection.hooks.listFires('garden', hookId);
      return fires.find(({ outcome }) => outcome === 'created')?.taskId;
    });
    const { payload } = await connection.queue.task(taskId);
    return `the task hook garden/${hookId} made the task ${taskId}: ${JSON.stringify(payload)}`;
  };
  heading('A task from a post: a task hook is bound to what happens in market');
  tell(await taskOf('note'));

  heading('A task from a script: run-task fires a task hook, by the scopes of its role');
  await say(FES, 'lounge', '!run clean the pond');
  tell(await taskOf('clean'));
};

const playLobby = async (stage: Stage, script: string): Promise<void> => {
  const { heading, say, until, tell, connection } = stage;
  heading('Cron: kick-inactive runs every second, and removes who is silent for one');
  await say(BUD, 'lobby', 'I am only looking');
  const config = { days: SECOND_IN_DAYS };
  await connection.scripts.act({ cron: { id: script, origin: nestOf('lobby'), schedule: '~s1', config } });
  const left = await until(`the end of ${BUD}`, async () => {
    const members = Object.keys((await stage.groupAs(FES)).fleet);
    return members.includes(BUD) ? undefined : members;
  });
  await connection.scripts.act({ rest: { id: script, origin: nestOf('lobby') } });
  tell(`${BUD} is gone; the members are ${left.join(', ')}`);
};
