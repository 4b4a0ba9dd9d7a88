// The commands for clients, roles and logins, as the table has them.

import type { Argument, CommandEntry, Option } from '../cli/command.ts';
import { JSON_OPTION, serverCall } from '../server-call.ts';

const CLIENT: Argument = { name: 'CLIENT', help: 'The id of the client' };
const ROLE: Argument = { name: 'ROLE', help: "The id of the role; a hook's is hook-id:GROUP/HOOK" };
const PREFIX: Argument = { name: 'PREFIX', isOptional: true, help: 'Only those whose id begins so' };

const SCOPE: Option = { name: 'scope', value: 'SCOPE', isList: true, help: 'What it may do; give it once for each' };
const DESCRIPTION: Option = { name: 'description', value: 'TEXT', help: 'What it is for' };
const CLIENT_OPTIONS: readonly Option[] = [
  SCOPE,
  DESCRIPTION,
  { name: 'expires', value: 'WHEN', help: 'A date, or how long from now: 12h, 30d, 2w, 1y (default: 1000y)' },
  { name: 'delete-on-expiration', help: 'Delete it when it expires' },
];
const CHANGES: readonly Option[] = [
  { ...SCOPE, help: 'Instead of the scopes that it has' },
  { name: 'add-scope', value: 'SCOPE', isList: true, help: 'Besides those that it has' },
  { name: 'remove-scope', value: 'SCOPE', isList: true, help: 'Take this one away' },
];

const clients = async () => (await import('./clients.ts')).clients;
const roles = async () => (await import('./roles.ts')).roles;

const TOKEN = 'The access token is printed, and never again.';

export const AUTH_ENTRIES: readonly CommandEntry[] = [
  serverCall('clients list', 'List clients', async () => (await clients()).list, { args: [PREFIX] }),
  serverCall('clients show', 'Show a client', async () => (await clients()).show, { args: [CLIENT] }),
  serverCall('clients create', 'Make a client', async () => (await clients()).create, {
    args: [CLIENT],
    options: CLIENT_OPTIONS,
    notes: TOKEN,
    examples: ['hookwright clients create ci/deploy --scope hooks:trigger-hook:deploy/site --expires 1y'],
  }),
  serverCall('clients update', 'Change a client', async () => (await clients()).update, {
    args: [CLIENT],
    options: [...CHANGES, ...CLIENT_OPTIONS.filter(({ name }) => name !== 'scope')],
    notes: 'What no option names stays as it is.',
  }),
  serverCall('clients disable', 'Refuse what a client signs', async () => (await clients()).disable, {
    args: [CLIENT],
  }),
  serverCall('clients enable', 'Accept again what a client signs', async () => (await clients()).enable, {
    args: [CLIENT],
  }),
  serverCall('clients reset-token', 'Give a client a new access token', async () => (await clients()).resetToken, {
    args: [CLIENT],
    notes: TOKEN,
  }),
  serverCall('clients remove', 'Remove a client', async () => (await clients()).remove, { args: [CLIENT] }),
  serverCall('roles list', 'List roles', async () => (await roles()).list, { args: [PREFIX] }),
  serverCall('roles show', 'Show a role', async () => (await roles()).show, { args: [ROLE] }),
  serverCall('roles create', 'Make a role', async () => (await roles()).create, {
    args: [ROLE],
    options: [SCOPE, DESCRIPTION],
  }),
  serverCall('roles update', 'Change a role', async () => (await roles()).update, {
    args: [ROLE],
    options: [...CHANGES, DESCRIPTION],
    notes: 'What no option names stays as it is.',
  }),
  serverCall('roles grant', 'Give scopes to a role, and make it if there is none', async () => (await roles()).grant, {
    args: [ROLE],
    options: [SCOPE],
    examples: ['hookwright roles grant hook-id:my-group/my-hook --scope queue:create-task:lowest:my/worker'],
  }),
  serverCall('roles remove', 'Remove a role', async () => (await roles()).remove, { args: [ROLE] }),
  {
    kind: 'read',
    words: ['login'],
    summary: 'Keep credentials for later commands',
    args: [{ name: 'URL', isOptional: true, help: 'Where the server is' }],
    options: [{ name: 'client-id', value: 'ID', help: 'As which client' }, JSON_OPTION],
    notes:
      'Asks for the access token and does not show it. Standard input may bring it instead, alone or in JSON\n' +
      'with clientId, accessToken, certificate and rootUrl. They are kept in a file that only you can read.',
    examples: ['hookwright login https://hooks.example.com --client-id me', 'hookwright login < root-credentials.json'],
    load: async () => (await import('./login.ts')).login,
  },
  {
    kind: 'read',
    words: ['logout'],
    summary: 'Forget credentials',
    args: [{ name: 'URL', isOptional: true, help: 'The server (default: that of the latest login)' }],
    options: [JSON_OPTION],
    load: async () => (await import('./login.ts')).logout,
  },
  serverCall(
    'whoami',
    'Show as whom commands call, and what they may do',
    async () => (await import('./login.ts')).whoami,
  ),
];
