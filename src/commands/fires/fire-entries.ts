// The commands that look into the ledger, as the table has them.
import type { CommandEntry } from '../cli/command.ts';
import { serverCall } from '../server-call.ts';
import { FILTER_OPTIONS, TIME_OPTIONS } from './fire-filter.ts';

const KIND = {
  name: 'kind',
  value: 'KIND',
  isList: true,
  help: 'Only rows of this kind: fire, attempt, binding',
} as const;

export const FIRE_ENTRIES: readonly CommandEntry[] = [
  serverCall('fires search', 'Search the ledger', async () => (await import('./search-fires.ts')).searchFires, {
    options: [
      ...FILTER_OPTIONS,
      KIND,
      ...TIME_OPTIONS,
      { name: 'limit', value: 'NUMBER', help: 'How many, the newest (default 20)' },
    ],
    notes: 'What became of the events of all hooks that you may see, newest first; also those that made no task.',
    examples: ["hookwright fires search --hook 'my-group/*' --outcome rejected --outcome failed --since 7d"],
  }),
  serverCall('fires show', 'Explain one fire', async () => (await import('./show-fire.ts')).showFire, {
    args: [{ name: 'FIRE', help: 'Its number, which fires search shows first' }],
    notes: 'The verdict of each step, the attempts, the task, and the payload if you may read it.',
  }),
  serverCall(
    'fires follow',
    'Show what comes into the ledger',
    async () => (await import('./follow-fires.ts')).followFires,
    {
      options: [...FILTER_OPTIONS, KIND],
      notes: 'As it comes, until Ctrl-C; also over a restart of the server.',
    },
  ),
  serverCall('fires replay', 'Fire events again', async () => (await import('./replay-fires.ts')).replayFires, {
    args: [{ name: 'FIRE', isOptional: true, help: 'The number of one fire' }],
    options: [
      { name: 'then', help: 'With the hook as it was defined then; without it, as it is now' },
      ...FILTER_OPTIONS,
      ...TIME_OPTIONS,
      { name: 'start', help: 'Fire them; without it, it is only shown what the options find' },
      { name: 'rate', value: 'NUMBER', help: 'How many a second (default 10)' },
      { name: 'job', value: 'ID', help: 'Show how this replay of many gets on' },
      { name: 'cancel', help: 'With --job: stop it' },
    ],
    notes:
      'The new fire has the payload of the old one, and the authority that the hook has now. The old one stays as it is.',
    examples: [
      'hookwright fires replay 4711',
      'hookwright fires replay --hook my-group/my-hook --outcome failed --since 12h --start',
    ],
  }),
];
