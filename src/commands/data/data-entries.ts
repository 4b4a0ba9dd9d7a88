// The commands for all data at once, as the table has them.

import type { CommandEntry } from '../cli/command.ts';
import { JSON_OPTION } from '../server-call.ts';
import { DATA_OPTIONS } from './data-options.ts';

export const DATA_ENTRIES: readonly CommandEntry[] = [
  {
    kind: 'read',
    words: ['backup'],
    summary: 'Write all data into one file, while servers run',
    args: [{ name: 'FILE', isFile: true, help: 'The file to write, mode 0600; - is standard output' }],
    options: [
      { name: 'with-key', help: 'Put the encryption key into the file: whoever has it can then read every secret' },
      ...DATA_OPTIONS,
      JSON_OPTION,
    ],
    notes: `The file is there when it is complete, and not before; one of the same name is replaced then.
Without the encryption key a backup cannot be restored: keep the key too, in another place.`,
    examples: [
      'hookwright backup hooks.backup',
      'hookwright backup - | ssh backups "cat > hooks.new && mv hooks.new hooks.backup"',
    ],
    goesOnUnread: true,
    load: async () => (await import('./backup.ts')).backup,
  },
  {
    kind: 'read',
    words: ['restore'],
    summary: 'Read all data from the file of a backup, while no server runs',
    args: [{ name: 'FILE', isFile: true, help: 'The file that hookwright backup has written; - is standard input' }],
    options: [
      { name: 'replace', help: 'Remove what is there; otherwise the database must be empty' },
      ...DATA_OPTIONS,
      JSON_OPTION,
    ],
    notes: `All of it or nothing: until the end the database is as it was. The data of an older version are brought up to date.
It may go from an embedded database to a given one, back, and to another version of PostgreSQL.`,
    examples: [
      'hookwright restore hooks.backup --data /var/lib/hooks',
      'DATABASE_URL=postgres://user@db/hooks hookwright restore hooks.backup',
    ],
    load: async () => (await import('./restore.ts')).restore,
  },
];
