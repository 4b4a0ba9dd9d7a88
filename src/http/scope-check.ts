// Whether a caller may, and what to tell one who may not.
import scopes from 'taskcluster-lib-scopes';
import { ApiError } from './api-error.ts';
import type { Caller, ScopeExpression } from './api-method.ts';

export const satisfies = (caller: Caller, expression: ScopeExpression): boolean =>
  scopes.satisfiesExpression(caller.scopes, expression);

/** The expression with `<name>` replaced by the values; a parameter that is missing is a mistake in the declaration. */
export const fillInScopes = (
  expression: ScopeExpression,
  values: Readonly<Record<string, string>>,
): ScopeExpression => {
  if (typeof expression === 'string') {
    return expression.replace(/<(\w+)>/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`the scope "${expression}" needs <${name}>`);
      return value;
    });
  }
  if ('AllOf' in expression) return { AllOf: expression.AllOf.map((part) => fillInScopes(part, values)) };
  return { AnyOf: expression.AnyOf.map((part) => fillInScopes(part, values)) };
};

/** The 403, naming what is missing (for a known client) and what was required. */
export const insufficientScopes = (caller: Caller, expression: ScopeExpression): ApiError => {
  const required = fenced(expression);
  if (caller.clientId === undefined) {
    return new ApiError(
      'InsufficientScopes',
      `This request requires Taskcluster credentials that satisfy the following scope expression:\n\n${required}`,
    );
  }
  const missing = fenced(scopes.removeGivenScopes(caller.scopes, expression) ?? expression);
  return new ApiError(
    'InsufficientScopes',
    `Client ID ${caller.clientId} does not have sufficient scopes and is missing the following scopes:\n\n${missing}\n\n` +
      `This request requires the client to satisfy the following scope expression:\n\n${required}`,
  );
};

const fenced = (expression: ScopeExpression): string =>
  `\`\`\`\n${typeof expression === 'string' ? expression : JSON.stringify(expression, null, 2)}\n\`\`\``;
