// The scopes that --scope, --add-scope and --remove-scope make of those that there are.
import type { Call } from '../cli/command.ts';

/** undefined: they stay the same. */
export const changedScopes = (call: Call, known: readonly string[]): string[] | undefined => {
  const given = call.list('scope');
  const removed = new Set(call.list('remove-scope'));
  const kept = given.length > 0 ? given : known.filter((scope) => !removed.has(scope));
  const scopes = [...new Set([...kept, ...call.list('add-scope')])];
  const isSame = scopes.length === known.length && scopes.every((scope) => known.includes(scope));
  return isSame ? undefined : scopes;
};
