// What callers are told when their trigger made no task: what is wrong, where, and what to do.
import { ApiError } from '../../http/api-error.ts';
import type { ScopeExpression } from '../../http/api-method.ts';
import type { Refusal } from '../../queue/queue.ts';
import { type HookName, hookRole } from '../definition.ts';
import type { CallResult } from '../firing/evaluate-call.ts';

type Unfired = Exclude<CallResult, { outcome: 'created' | 'pending' | 'declined' }>;

export const triggerError = (hook: HookName, taskId: string, result: Unfired): ApiError => {
  switch (result.outcome) {
    case 'no-such-hook':
      return new ApiError('ResourceNotFound', 'No such hook');
    case 'malformed':
      return new ApiError(result.code, result.message);
    case 'wrong-token':
      return new ApiError('AuthenticationFailed', 'invalid hook token');
    case 'rejected':
      return new ApiError('InputError', result.problems.join('; '));
    case 'not-rendered':
      return new ApiError(
        result.mayPass ? 'ServiceUnavailable' : 'InputError',
        `While firing hook:\n\n${result.message}`,
      );
    case 'conflict':
      return new ApiError(
        'RequestConflict',
        `taskId \`${taskId}\` was used before to trigger this hook, with another payload. Choose another taskId, or none.`,
      );
    case 'under-way':
      return new ApiError(
        'RequestConflict',
        'An earlier request with this Idempotency-Key is under way. Send this again in some seconds for its answer.',
      );
    case 'other-body':
      return new ApiError(
        'IdempotencyKeyReused',
        'This Idempotency-Key came before, with another body. Use a new key for each request that is meant to do something.',
      );
    case 'exhausted':
      return new ApiError('InputError', 'The queue took no task before the deadline of the task.');
    case 'refused':
      return refusalError(hook, result.refusal);
  }
};

const refusalError = (hook: HookName, refusal: Refusal): ApiError => {
  if (refusal.statusCode === 403) {
    const cure = refusal.missing === undefined ? '' : `\n\n${cureFor(hook, refusal.missing)}`;
    return new ApiError(
      'InsufficientScopes',
      `The role \`${hookRole(hook)}\` does not have sufficient scopes to create the task:\n\n${refusal.message}${cure}`,
    );
  }
  const code = refusal.statusCode === 409 ? 'RequestConflict' : 'InputError';
  return new ApiError(code, `While calling createTask: ${refusal.code}\n\n${refusal.message}`);
};

/** The command that gives the role the least that this task needs. */
const cureFor = (hook: HookName, missing: ScopeExpression): string => {
  const scopes = leastScopes(missing).map((scope) => ` \\\n    --scope ${shellQuote(scope)}`);
  return `Somebody who holds these scopes can give them to the hook's role:\n\n\`\`\`\nhookwright roles grant ${shellQuote(hookRole(hook))}${scopes.join('')}\n\`\`\``;
};

/** The last one of alternatives, which for priorities is the lowest that does. */
const leastScopes = (expression: ScopeExpression): string[] => {
  if (typeof expression === 'string') return [expression];
  if ('AllOf' in expression) return expression.AllOf.flatMap(leastScopes);
  const last = expression.AnyOf.at(-1);
  return last === undefined ? [] : leastScopes(last);
};

const shellQuote = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
