// The commands for the server itself, for script hooks, and for the command line, as the table has
// them.

import type { CommandEntry, Option } from '../cli/command.ts';
import { JSON_OPTION } from '../server-call.ts';

/** Those of options.ts, which is loaded only when somebody asks for them. */
const serveOptions = async (): Promise<readonly Option[]> => {
  const { OPTIONS } = await import('../../options.ts');
  const known = Object.values(OPTIONS).map(({ flag, value, help }) => ({
    ...{ name: flag, value, help },
    ...(/FILE|FOLDER/.test(value) && { isFile: true as const }),
  }));
  return [...known, { name: 'config', value: 'FILE', isFile: true, help: 'A file with these options' }];
};

const file = (name: string, help: string): Option => ({ name, value: 'FILE', isFile: true, help });

export const SERVER_ENTRIES: readonly CommandEntry[] = [
  {
    kind: 'own',
    words: ['serve'],
    summary: 'Run the server',
    goesOnUnread: true,
    options: serveOptions,
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    kind: 'own',
    words: ['config', 'check'],
    summary: 'Read the configuration and try what it names, without starting',
    options: async () => [...(await serveOptions()), JSON_OPTION],
    load: async () => (await import('./config-check.ts')).configCheck,
  },
];

export const SCRIPT_ENTRIES: readonly CommandEntry[] = [
  {
    kind: 'own',
    words: ['simulate'],
    summary: 'Run a script on an event and see what it would do',
    options: async () => [
      { ...file('event', 'The event; - is standard input'), isList: true },
      file('bowl', 'The surroundings'),
      file('state', 'The state before'),
      { name: 'save-state', help: 'Write the state after into the file of --state' },
      { name: 'now', value: 'TIME', help: 'When it happens' },
      { name: 'seed', value: 'TEXT', help: 'The seed of randomness' },
      JSON_OPTION,
      { name: 'watch', help: 'Run again when a file is saved' },
    ],
    load: async () => (await import('../scripts/simulate.ts')).simulate,
  },
  {
    kind: 'own',
    words: ['scripts', 'check'],
    summary: 'Try a script on the cases that stand beside it',
    options: async () => [file('cases', 'The cases'), JSON_OPTION],
    load: async () => (await import('../scripts/check-script.ts')).checkScript,
  },
  {
    kind: 'own',
    words: ['init', 'script'],
    summary: 'Start a script hook: a script, its types and a test event',
    options: async () => [],
    load: async () => (await import('../scripts/init-script.ts')).initScript,
  },
];

export const SHELL_ENTRIES: readonly CommandEntry[] = [
  {
    kind: 'read',
    words: ['completion'],
    summary: 'Print what makes a shell complete these commands',
    args: [{ name: 'SHELL', help: 'bash, zsh or fish' }],
    options: [],
    examples: [
      'bash  source <(hookwright completion bash)    in ~/.bashrc',
      'zsh   source <(hookwright completion zsh)     in ~/.zshrc, after compinit',
      'fish  hookwright completion fish > ~/.config/fish/completions/hookwright.fish',
    ],
    load: async () => (await import('../cli/completion.ts')).completion,
  },
];
