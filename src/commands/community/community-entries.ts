// The commands for the ships of the community, as the table has them.

import type { Argument, CommandEntry } from '../cli/command.ts';
import { serverCall } from '../server-call.ts';

const SHIP: Argument = { name: 'SHIP', help: 'Such as sampel-palnet, with or without ~' };
const CODE = 'The login code is printed; hookwright ships list shows it again.';

const ships = async () => (await import('./ships.ts')).ships;

export const COMMUNITY_ENTRIES: readonly CommandEntry[] = [
  serverCall('ships list', 'List ships with their login codes', async () => (await ships()).list),
  serverCall('ships add', 'Make a ship, which is a user of the community', async () => (await ships()).add, {
    args: [SHIP],
    notes: CODE,
    examples: ['hookwright ships add sampel-palnet'],
  }),
  serverCall('ships reset-code', 'Give a ship a new login code', async () => (await ships()).resetCode, {
    args: [SHIP],
    notes: `${CODE} The one before opens nothing any more.`,
  }),
  serverCall(
    'act',
    'Act as a ship: post, change a group, write to somebody',
    async () => (await import('./act.ts')).act,
    {
      args: [SHIP, { name: 'FILE', isFile: true, help: 'The action, in JSON or YAML; - is standard input' }],
      notes:
        'An action is what a script hook may return as an effect: an object with one of the keys channels, groups, activity, dm, club and contacts.',
      examples: [`echo '{"contacts": {"self": {"nickname": {"text": "Zod"}}}}' | hookwright act zod -`],
    },
  ),
];
