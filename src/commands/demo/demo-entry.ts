// The line of the demonstration in the table of commands.
import type { CommandEntry } from '../cli/command.ts';

export const DEMO_ENTRIES: readonly CommandEntry[] = [
  {
    kind: 'read',
    words: ['demo'],
    summary: 'Play a scene in a community with ten script hooks, on a server of its own',
    args: [],
    options: [{ name: 'keep', help: 'Stay afterwards, until Ctrl-C, to look around' }],
    notes: 'It needs no server and leaves none behind: its data are in a temporary folder, which goes when it ends.',
    load: async () => (await import('./demo.ts')).demo,
  },
];
