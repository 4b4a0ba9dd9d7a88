// What a caller must satisfy, filled in for one request, and what to tell one who does not.
import { ApiError } from './api-error.ts';
import type { Caller, Satisfies, ScopeExpression } from './api-method.ts';
import { cut } from './cut.ts';

/**
 * The expression with `<name>` replaced by the values. A value that is missing is a mistake in the
 * declaration.
 */
export const fillInScopes = (
  expression: ScopeExpression,
  values: Readonly<Record<string, string>>,
): ScopeExpression => {
  if (typeof expression === 'string') {
    const pieces = piecesOf(expression);
    let filled = pieces[0] as string;
    for (let at = 1; at < pieces.length; at += 2) {
      const value = values[pieces[at] as string];
      if (value === undefined) throw new Error(`the scope "${expression}" needs <${pieces[at]}>`);
      filled += value + pieces[at + 1];
    }
    return filled;
  }
  if ('AllOf' in expression) return { AllOf: expression.AllOf.map((part) => fillInScopes(part, values)) };
  return { AnyOf: expression.AnyOf.map((part) => fillInScopes(part, values)) };
};

/** Of declared scopes, which are few: what stands between names, and the names. */
const knownPieces = new Map<string, readonly string[]>();

const piecesOf = (expression: string): readonly string[] => {
  const known = knownPieces.get(expression);
  if (known) return known;
  const pieces = expression.split(/<(\w+)>/);
  knownPieces.set(expression, pieces);
  return pieces;
};

/**
 * What is left of the expression without the parts that the caller satisfies; undefined when
 * nothing is.
 */
export const missingScopes = (
  expression: ScopeExpression,
  isSatisfied: (scope: string) => boolean,
): ScopeExpression | undefined => {
  if (typeof expression === 'string') return isSatisfied(expression) ? undefined : expression;
  if ('AllOf' in expression) {
    const missing = expression.AllOf.flatMap((part) => missingScopes(part, isSatisfied) ?? []);
    return missing.length > 1 ? { AllOf: missing } : missing[0];
  }
  const missing = expression.AnyOf.map((part) => missingScopes(part, isSatisfied));
  if (missing.includes(undefined)) return undefined;
  const parts = missing as ScopeExpression[];
  return parts.length === 1 ? parts[0] : { AnyOf: parts };
};

/**
 * The 403: for a known client with what is missing, for an anonymous caller just with what is
 * required.
 */
export const insufficientScopes = (caller: Caller, expression: ScopeExpression, satisfies: Satisfies): ApiError => {
  const required = fenced(expression);
  if (caller.clientId === undefined) {
    return new ApiError(
      'InsufficientScopes',
      `This request requires Taskcluster credentials that satisfy the following scope expression:\n\n${required}`,
    );
  }
  const missing = missingScopes(expression, (scope) => satisfies(caller, scope)) ?? expression;
  return new ApiError(
    'InsufficientScopes',
    `Client ID ${caller.clientId} does not have sufficient scopes and is missing the following scopes:\n\n` +
      `${fenced(missing)}\n\nThis request requires the client to satisfy the following scope expression:\n\n${required}`,
  );
};

/** Scopes of a list that a message tells, and characters of each. */
const MOST_TOLD = 50;
const LONGEST_TOLD = 500;

const fenced = (expression: ScopeExpression): string => {
  const short = shortened(expression);
  return `\`\`\`\n${typeof short === 'string' ? short : JSON.stringify(short, null, 2)}\n\`\`\``;
};

const shortened = (expression: ScopeExpression): ScopeExpression => {
  if (typeof expression === 'string') return cut(expression, LONGEST_TOLD);
  if ('AllOf' in expression) return { AllOf: shortList(expression.AllOf) };
  return { AnyOf: shortList(expression.AnyOf) };
};

const shortList = (parts: readonly ScopeExpression[]): ScopeExpression[] => {
  const told = parts.slice(0, MOST_TOLD).map(shortened);
  return parts.length <= MOST_TOLD ? told : [...told, `… and ${parts.length - MOST_TOLD} more`];
};
