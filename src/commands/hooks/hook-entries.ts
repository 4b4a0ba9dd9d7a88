// The commands for hooks and tasks, as the table has them.

import type { Argument, CommandEntry } from '../cli/command.ts';
import { serverCall } from '../server-call.ts';

const HOOK: Argument = { name: 'GROUP/HOOK', help: 'The name of the hook' };
const TASK: Argument = { name: 'TASK', help: 'The id of the task' };
const DEFINITION: Argument = {
  name: 'FILE',
  isFile: true,
  help: 'The definition, in JSON or YAML; - is standard input',
};

export const HOOK_ENTRIES: readonly CommandEntry[] = [
  serverCall('hooks list', 'List hooks', async () => (await import('./hooks.ts')).hooks.list, {
    args: [{ name: 'GROUP', isOptional: true, help: 'Only this group' }],
  }),
  serverCall('hooks show', 'Show the definition of a hook', async () => (await import('./hooks.ts')).hooks.show, {
    args: [HOOK],
    notes: 'What it prints can be given to hooks create and hooks update.',
  }),
  serverCall('hooks create', 'Make a hook', async () => (await import('./hooks.ts')).hooks.create, {
    args: [HOOK, DEFINITION],
    notes: 'Warns of what would keep the hook from firing. Making an equal one again is no error.',
    examples: ['hookwright hooks create my-group/my-hook hook.yaml'],
  }),
  serverCall(
    'hooks update',
    'Replace the definition of a hook',
    async () => (await import('./hooks.ts')).hooks.update,
    {
      args: [HOOK, DEFINITION],
      notes: 'Bindings that the definition leaves out stay as they are; a schedule that it leaves out is cleared.',
    },
  ),
  serverCall('hooks edit', 'Edit the definition of a hook', async () => (await import('./edit-hook.ts')).editHook, {
    args: [HOOK],
    notes:
      'Opens it as YAML in $VISUAL, $EDITOR or vi. What you wrote is not lost: when it is refused, the file is kept.',
  }),
  serverCall('hooks remove', 'Remove a hook', async () => (await import('./hooks.ts')).hooks.remove, {
    args: [HOOK],
    notes: 'Tasks of its fires that are under way are still created. That there is no such hook is no error.',
  }),
  serverCall(
    'hooks versions',
    'List the definitions that a hook had',
    async () => (await import('./hook-versions.ts')).hookVersions.versions,
    {
      args: [HOOK],
      options: [{ name: 'limit', value: 'NUMBER', help: 'How many, the newest (default 20)' }],
      notes: 'By whom, when and from where each was made; also of a hook that was removed.',
    },
  ),
  serverCall(
    'hooks diff',
    'Show what a version of a hook changed',
    async () => (await import('./hook-versions.ts')).hookVersions.diff,
    {
      args: [
        HOOK,
        { name: 'VERSION', isOptional: true, help: 'Which; the newest unless it is given' },
        { name: 'OTHER', isOptional: true, help: 'Show what changed from the first to this one' },
      ],
    },
  ),
  serverCall(
    'hooks rollback',
    'Give a hook the definition that it had before',
    async () => (await import('./hook-versions.ts')).hookVersions.rollback,
    {
      args: [
        HOOK,
        { name: 'VERSION', isOptional: true, help: 'To which one; unless it is given, to that before the newest' },
      ],
      notes: 'It is a change as any other, and can be rolled back as well. A hook that was removed is made again.',
    },
  ),
  serverCall('hooks trigger', 'Fire a hook', async () => (await import('./trigger-hook.ts')).triggerHook, {
    args: [
      HOOK,
      { name: 'FILE', isFile: true, isOptional: true, help: 'The payload, in JSON or YAML; - is standard input' },
    ],
    options: [
      { name: 'payload', value: 'JSON', help: 'The payload; without it and without a file {}' },
      { name: 'wait', help: 'Wait until the task is resolved; ends with 1 unless it completed' },
    ],
    examples: [`hookwright hooks trigger my-group/my-hook --payload '{"who": "world"}'`],
  }),
  serverCall(
    'hooks render',
    'Show what a hook would make of an event, without firing it',
    async () => (await import('./render-hook.ts')).renderHook,
    {
      args: [
        {
          name: 'GROUP/HOOK',
          isFile: true,
          help: 'The hook; or a file with a definition that is not saved, its name with a dot in it; - is standard input',
        },
        { name: 'FILE', isFile: true, isOptional: true, help: 'The payload, in JSON or YAML' },
      ],
      options: [
        { name: 'payload', value: 'JSON', help: 'The payload; without it and without a file {}' },
        { name: 'fire', value: 'NUMBER', help: 'The event of this fire, as it was kept' },
        {
          name: 'last',
          value: 'NUMBER',
          help: 'The last events, at most 20, beside what the saved definition makes of them',
        },
        { name: 'outcome', value: 'OUTCOME', help: 'With --last: only events that ended so' },
        {
          name: 'fired-by',
          value: 'CAUSE',
          help: 'As if by triggerHook (default), triggerHookWithToken, pulseMessage or schedule',
        },
        { name: 'now', value: 'TIME', help: 'What the template takes for the present' },
        { name: 'hook', value: 'GROUP/HOOK', help: 'The hook whose definition the file is, if it does not say so' },
      ],
      notes:
        'Ends with 1 when no task would come of it, or when the new definition makes worse of an event. Nothing is created or recorded.',
      examples: [
        `hookwright hooks render my-group/my-hook --payload '{"who": "world"}'`,
        'hookwright hooks render hook.yaml --hook my-group/my-hook --last 20',
      ],
    },
  ),
  serverCall(
    'hooks why-not',
    'Show whether an event reaches a hook, and if not, why',
    async () => (await import('./why-not.ts')).whyNot,
    {
      args: [
        HOOK,
        { name: 'EXCHANGE', isOptional: true, help: 'The exchange of a message' },
        { name: 'KEY', isOptional: true, mayBeEmpty: true, help: 'Its routing key' },
      ],
      options: [{ name: 'at', value: 'TIME', help: 'A date of the schedule, such as 2030-01-31T12:00:00Z' }],
    },
  ),
  serverCall(
    'hooks fires',
    'Show what became of the events of a hook',
    async () => (await import('./hook-fires.ts')).hookFires,
    {
      args: [HOOK],
      options: [
        { name: 'limit', value: 'NUMBER', help: 'How many, the newest (default 20)' },
        { name: 'follow', help: 'Go on with those that come, until Ctrl-C; also over a restart of the server' },
      ],
      notes: 'Also those that made no task, and why: declined, rejected, missed and the like.',
    },
  ),
  serverCall(
    'hooks status',
    'Show how the last fire went and when the next is due',
    async () => (await import('./hooks.ts')).hooks.status,
    {
      args: [HOOK],
    },
  ),
  serverCall('hooks token', 'Print the trigger token of a hook', async () => (await import('./hooks.ts')).hooks.token, {
    args: [HOOK],
    options: [
      { name: 'url', help: 'Print the URL to post to instead' },
      { name: 'reset', help: 'Make a new one first; the old one is worth nothing from then on' },
    ],
    notes: 'It is a secret: whoever knows it can fire the hook.',
  }),
  serverCall('tasks show', 'Show the definition of a task', async () => (await import('./tasks.ts')).tasks.show, {
    args: [TASK],
  }),
  serverCall(
    'tasks status',
    'Show the state of a task and its runs',
    async () => (await import('./tasks.ts')).tasks.status,
    { args: [TASK] },
  ),
  serverCall('tasks list', 'List the tasks of a group', async () => (await import('./tasks.ts')).tasks.list, {
    args: [{ name: 'TASK-GROUP', help: 'The id of the task group' }],
    options: [{ name: 'limit', value: 'NUMBER', help: 'How many at most (default: all)' }],
  }),
  serverCall('tasks cancel', 'Cancel a task', async () => (await import('./tasks.ts')).tasks.cancel, { args: [TASK] }),
];
