// `hookwright roles grant`: gives scopes to a role, so that a hook may do what it is meant to.
import { parseArgs } from 'node:util';
import { describeError, OperatorError } from '../core/errors.ts';
import { connectApi } from './api-connection.ts';
import type { Command } from './command.ts';

const USAGE = `hookwright roles grant ROLE --scope SCOPE [--scope SCOPE ...] [--data FOLDER]

  Adds scopes to a role; makes the role when there is none. A hook's role is hook-id:GROUP/HOOK.
  Credentials come from the data folder (default .hookwright), or from TASKCLUSTER_ROOT_URL,
  TASKCLUSTER_CLIENT_ID and TASKCLUSTER_ACCESS_TOKEN when these are set.`;

export const roles: Command = {
  summary: 'Give scopes to a role',
  usage: USAGE,
  run: async (args, { stdout, env, cwd }) => {
    const { role, scopes, data } = readArguments(args);
    const call = await connectApi({ dataFolder: data, env, cwd });
    const path = `/api/auth/v1/roles/${encodeURIComponent(role)}`;
    const known = await call('GET', path);
    if (known.status === 404) {
      await call('PUT', path, { scopes, description: `Made by hookwright roles grant` }).then(expectSuccess);
      stdout.write(`Made the role ${role} with ${count(scopes.length)}.\n`);
      return 0;
    }
    const { scopes: had, description } = expectSuccess(known) as { scopes: string[]; description: string };
    const added = scopes.filter((scope) => !had.includes(scope));
    if (added.length > 0) {
      await call('POST', path, { scopes: [...had, ...added], description }).then(expectSuccess);
    }
    stdout.write(
      `The role ${role} has ${added.length === 0 ? 'these scopes already' : `${count(added.length)} more`}.\n`,
    );
    return 0;
  },
};

const count = (n: number): string => `${n} scope${n === 1 ? '' : 's'}`;

const readArguments = (args: readonly string[]) => {
  const wrong = (problem: string) =>
    new OperatorError('HW_BAD_OPTION', { problem, cure: 'See: hookwright help roles' });
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { scope: { type: 'string', multiple: true }, data: { type: 'string' } },
      allowPositionals: true,
    });
    const [action, role, ...more] = positionals;
    if (action !== 'grant' || role === undefined || more.length > 0)
      throw wrong('Give: roles grant ROLE --scope SCOPE');
    if (!values.scope?.length) throw wrong('No scope is given');
    return { role, scopes: [...new Set(values.scope)], data: values.data };
  } catch (error) {
    throw error instanceof OperatorError ? error : wrong(describeError(error));
  }
};

const expectSuccess = ({ status, body }: { status: number; body: unknown }): unknown => {
  if (status < 300) return body;
  const message = (body as { message?: string }).message?.split('\n\n---\n')[0] ?? `the server answered ${status}`;
  throw new OperatorError('HW_REFUSED', { message });
};
