// After a hook was made or changed: that it was, when it is next due, and what the server warns of.
import type { HookDefinition, Hooks } from '#client';
import type { Call } from '../cli/command.ts';
import { lookFirst } from '../cli/look-first.ts';

/** `{}` in `done` stands for the name of the hook. */
export const sayHookSaved = async (
  call: Call,
  hooks: Hooks,
  definition: HookDefinition,
  done: string,
): Promise<number> => {
  const { hookGroupId, hookId } = definition;
  const found = await lookFirst(() => hooks.getHookStatus(hookGroupId, hookId));
  const { nextScheduledDate: next, warnings } = found === 'hidden' || found === undefined ? {} : found;
  const said = done.replace('{}', `${hookGroupId}/${hookId}`);
  call.output.answer(
    { ...definition, ...(warnings && { warnings }) },
    () => `${said}${next === undefined ? '' : ` It is next due at ${next}.`}`,
  );
  for (const warning of warnings ?? []) call.output.remark(`Warning: ${warning}`);
  return 0;
};
