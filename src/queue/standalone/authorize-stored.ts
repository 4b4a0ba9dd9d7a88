// Authorization where the scopes name what only the stored task or group says: scheduler, group,
// project.
import { ApiError } from '../../http/api-error.ts';
import type { ApiRequest, Satisfies, ScopeExpression } from '../../http/api-method.ts';
import { fillInScopes, insufficientScopes } from '../../http/scope-check.ts';

export type StoredThing<Thing> = {
  /** As declared, with `<name>` for what is stored. */
  readonly scopes: ScopeExpression;
  /** Who satisfies one of these may know whether the thing exists. */
  readonly mayRead: readonly string[];
  /** undefined: there is none. */
  readonly found: Thing | undefined;
  /** What of it the scopes name. */
  readonly namesOf: (thing: Thing) => Readonly<Record<string, string>>;
  readonly notFound: () => ApiError;
};

/**
 * The thing, for who may do it to this one. Throws InsufficientScopes or what `notFound` makes; who
 * may neither read the thing nor do it to every one gets the same answer whether it exists or not.
 */
export const authorizeStored = <Thing>(
  { caller, params }: Pick<ApiRequest, 'caller' | 'params'>,
  { scopes, mayRead, found, namesOf, notFound }: StoredThing<Thing>,
  satisfies: Satisfies,
): Thing => {
  const required = found && fillInScopes(scopes, { ...params, ...namesOf(found) });
  if (found && required && satisfies(caller, required)) return found;
  const mayKnow = satisfies(caller, { AnyOf: [...mayRead, mapScopes(scopes, forEach(params))] });
  if (mayKnow) throw required ? insufficientScopes(caller, required, satisfies) : notFound();
  const { message } = insufficientScopes(caller, mapScopes(scopes, fillKnown(params)), satisfies);
  throw new ApiError('InsufficientScopes', `${message}\n\nThe answer is the same when there is none of this id.`);
};

const mapScopes = (expression: ScopeExpression, change: (scope: string) => string): ScopeExpression => {
  if (typeof expression === 'string') return change(expression);
  if ('AllOf' in expression) return { AllOf: expression.AllOf.map((part) => mapScopes(part, change)) };
  return { AnyOf: expression.AnyOf.map((part) => mapScopes(part, change)) };
};

type Params = Readonly<Record<string, string>>;

/** With what the request says; what is stored stays `<name>`. */
const fillKnown = (params: Params) => (scope: string) =>
  scope.replace(/<(\w+)>/g, (placeholder, name: string) => params[name] ?? placeholder);

/** For every scheduler, group and project: a wildcard from the first one on. */
const forEach = (params: Params) => (scope: string) => fillKnown(params)(scope).replace(/<\w+>.*$/, '*');
