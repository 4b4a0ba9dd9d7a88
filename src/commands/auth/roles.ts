// `hookwright roles`: names for what may be done. A hook may do what its role hook-id:GROUP/HOOK
// may.
import { ApiCallError, type Auth, type GetRoleResponse } from '#client';
import { OperatorError } from '../../core/errors.ts';
import type { Call, Run } from '../cli/command.ts';
import { requireId } from '../cli/input/require-id.ts';
import { lookFirst, sayRemoved } from '../cli/look-first.ts';
import { pairs, table } from '../cli/table.ts';
import { changedScopes } from './changed-scopes.ts';

const idOf = (call: Call): string => requireId('ROLE', call.argument('ROLE'));

const PAGE = 1_000;

const list: Run = async (call) => {
  const { auth } = await call.connect();
  const prefix = call.text('PREFIX') ?? '';
  const roles: GetRoleResponse[] = [];
  let continuationToken: string | undefined;
  do {
    const page = await auth.listRoles2({ limit: PAGE, ...(continuationToken !== undefined && { continuationToken }) });
    roles.push(...page.roles.filter(({ roleId }) => roleId.startsWith(prefix)));
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
  call.output.answer(roles, (paint) =>
    table(
      ['ROLE', 'SCOPES', 'CHANGED', 'DESCRIPTION'],
      roles.map((role) => [role.roleId, String(role.scopes.length), role.lastModified, role.description]),
      { paint, empty: 'There are no roles.' },
    ),
  );
  return 0;
};

const answerRole = (call: Call, role: GetRoleResponse): number => {
  call.output.answer(role, (paint) =>
    pairs(
      [
        ['role', role.roleId],
        ['description', role.description],
        ['created', role.created],
        ['changed', role.lastModified],
        ...role.scopes.map((scope) => ['scope', scope] as const),
      ],
      paint,
    ),
  );
  return 0;
};

const answerChanged = (call: Call, role: GetRoleResponse): number => {
  if (role.scopes.length === 0) {
    call.output.remark(
      `Warning: The role ${role.roleId} has no scopes, so nobody may do anything by it. hookwright roles grant gives it some.`,
    );
  }
  return answerRole(call, role);
};

const show: Run = async (call) => answerRole(call, await (await call.connect()).auth.role(idOf(call)));

const create: Run = async (call) => {
  const id = idOf(call);
  const { auth } = await call.connect();
  const scopes = [...new Set(call.list('scope'))];
  return answerChanged(call, await auth.createRole(id, { scopes, description: call.text('description') ?? '' }));
};

const update: Run = async (call) => {
  const id = idOf(call);
  const { auth } = await call.connect();
  const known = await auth.role(id);
  const scopes = changedScopes(call, known.scopes) ?? known.scopes;
  return answerChanged(
    call,
    await auth.updateRole(id, { scopes, description: call.text('description') ?? known.description }),
  );
};

const remove: Run = async (call) => {
  const id = idOf(call);
  const { auth } = await call.connect();
  const before = await lookFirst(() => auth.role(id));
  await auth.deleteRole(id);
  return sayRemoved(call, `role ${id}`, before);
};

/** Adds scopes, and makes the role when there is none. */
const grant: Run = async (call) => {
  const id = idOf(call);
  const scopes = [...new Set(call.list('scope'))];
  if (scopes.length === 0) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: 'No scope is given',
      cure: 'Give --scope SCOPE, once for each',
    });
  }
  const { auth } = await call.connect();
  const known = await roleIfAny(auth, id);
  if (known === undefined) {
    const role = await auth.createRole(id, { scopes, description: 'Made by hookwright roles grant' });
    call.output.answer(role, () => `Made the role ${id} with ${count(scopes.length)}.`);
    return 0;
  }
  const added = scopes.filter((scope) => !known.scopes.includes(scope));
  const role =
    added.length === 0
      ? known
      : await auth.updateRole(id, { scopes: [...known.scopes, ...added], description: known.description });
  const what = added.length === 0 ? 'these scopes already' : `${count(added.length)} more`;
  call.output.answer(role, () => `The role ${id} has ${what}.`);
  return 0;
};

const count = (n: number): string => `${n} scope${n === 1 ? '' : 's'}`;

const roleIfAny = async (auth: Auth, id: string): Promise<GetRoleResponse | undefined> => {
  try {
    return await auth.role(id);
  } catch (error) {
    if (error instanceof ApiCallError && error.statusCode === 404) return undefined;
    throw error;
  }
};

export const roles = { list, show, create, update, remove, grant } as const satisfies Record<string, Run>;
