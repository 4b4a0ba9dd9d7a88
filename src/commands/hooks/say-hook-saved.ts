// After a hook was made or changed: that it was, when it is next due, and what the server warns of.
import { ApiCallError, type HookDefinition, type HookStatus, type Hooks } from '#client';
import type { Call } from '../cli/command.ts';
import type { HookArguments } from './hook-name.ts';

export const sayHookSaved = async (
  call: Call,
  hooks: Hooks,
  name: HookArguments,
  definition: HookDefinition,
  done: 'Made' | 'Updated',
): Promise<number> => {
  const status = await statusIfAllowed(hooks, name);
  const next = status?.nextScheduledDate;
  call.output.answer(
    { ...definition, ...(status?.warnings && { warnings: status.warnings }) },
    () => `${done} the hook ${name.join('/')}.${next === undefined ? '' : ` It is next due at ${next}.`}`,
  );
  for (const warning of status?.warnings ?? []) call.output.remark(`Warning: ${warning}`);
  return 0;
};

/** Who may change a hook may not always see its status; the change is made all the same. */
const statusIfAllowed = async (hooks: Hooks, name: HookArguments): Promise<HookStatus | undefined> => {
  try {
    return await hooks.getHookStatus(...name);
  } catch (error) {
    if (error instanceof ApiCallError && error.statusCode === 403) return undefined;
    throw error;
  }
};
