// The name of a hook as people write it: `my-group/my-hook`.
import { OperatorError } from '../../core/errors.ts';
import type { Call } from '../cli/command.ts';

export type HookArguments = readonly [hookGroupId: string, hookId: string];

/** A group has no slash in it, a hook may have some. Throws HW_BAD_OPTION. */
export const hookOf = (call: Call): HookArguments => readHookName(call.argument('GROUP/HOOK'));

/** Throws HW_BAD_OPTION. */
export const readHookName = (name: string): HookArguments => {
  const [, group, hook] = /^([\w-]+)\/([\w/-]+)$/.exec(name) ?? [];
  if (group !== undefined && hook !== undefined) return [group, hook];
  throw new OperatorError('HW_BAD_OPTION', {
    problem: `"${name}" is not the name of a hook`,
    cure: 'Write group and hook with a slash between them: my-group/my-hook',
  });
};
