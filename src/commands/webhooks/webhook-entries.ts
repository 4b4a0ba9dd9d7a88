// The commands for webhooks, as the table has them.

import type { Argument, CommandEntry, Option } from '../cli/command.ts';
import { serverCall } from '../server-call.ts';

const HOOK: Argument = { name: 'GROUP/HOOK', help: 'The name of the hook' };
const NAME: Argument = { name: 'NAME', help: 'The name of the webhook' };
const secret = (otherwise: string): Option => ({
  ...{ name: 'secret-file', value: 'FILE', isFile: true },
  help: `The secret, in a file; - asks for it, or reads standard input; ${otherwise}`,
});

const load = async () => (await import('./webhooks.ts')).webhooks;

export const WEBHOOK_ENTRIES: readonly CommandEntry[] = [
  serverCall('webhooks add', 'Let another system fire a hook', async () => (await load()).add, {
    args: [HOOK, { ...NAME, isOptional: true, help: 'How to call it (default: as its scheme)' }],
    options: [
      {
        ...{ name: 'scheme', value: 'SCHEME' },
        help: 'standard, github, gitea, gitlab, slack, stripe, hmac, bearer, basic or none',
      },
      {
        name: 'file',
        value: 'FILE',
        isFile: true,
        help: 'What else it is, in JSON or YAML; with its "hook", if it has one',
      },
      secret('without it a new one is made'),
    ],
    notes:
      'Prints what to paste where. One that is there is changed: it keeps its URL, and its secret unless another is given. ' +
      'What the file may hold, and what each sender needs, is in docs/webhooks.md.',
    examples: [
      'hookwright webhooks add my-group/my-hook --scheme github',
      'hookwright webhooks add my-group/my-hook --file examples/webhooks/github-push.yaml',
    ],
  }),
  serverCall('webhooks list', 'List the webhooks of a hook', async () => (await load()).list, { args: [HOOK] }),
  serverCall('webhooks show', 'Show a webhook, and where to paste its URL', async () => (await load()).show, {
    args: [HOOK, NAME],
  }),
  serverCall('webhooks rotate', 'Give a webhook another secret', async () => (await load()).rotate, {
    args: [HOOK, NAME],
    options: [
      secret('without it a new one is made'),
      { name: 'drop-old', help: 'The secret of before is worth nothing from now on (default: until the next change)' },
    ],
    notes: 'Both are good until the next rotation, so that no delivery is lost while the sender changes.',
  }),
  serverCall('webhooks remove', 'Remove a webhook', async () => (await load()).remove, {
    args: [HOOK, NAME],
    notes: 'Its URL leads nowhere from then on. That there is no such webhook is no error.',
  }),
  serverCall(
    'webhooks send',
    'Send to a webhook as its sender would',
    async () => (await import('./send-delivery.ts')).sendDelivery,
    {
      args: [HOOK, NAME, { name: 'FILE', isFile: true, help: 'The body, sent as it is; - is standard input' }],
      options: [
        { ...secret('by default it is asked for'), help: 'What to sign with, in a file (default: it is asked for)' },
        { name: 'event', value: 'EVENT', help: 'What the sender calls the event, like push' },
        {
          name: 'type',
          value: 'TYPE',
          help: 'The content type (default: by the name of the file, or application/json)',
        },
        { name: 'header', value: 'NAME: VALUE', isList: true, help: 'One more header' },
      ],
      notes: 'Ends with 0 if the delivery was taken.',
      examples: ['hookwright webhooks send my-group/my-hook github push.json --event push --secret-file secret.txt'],
    },
  ),
];
