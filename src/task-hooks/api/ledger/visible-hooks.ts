// Whose fires a caller may see: the hooks for which they have `hooks:list-last-fires:<group>/<id>`.

import { holds, isWildcard, normalForm } from '../../../auth/scopes.ts';
import { ApiError } from '../../../http/api-error.ts';
import type { ApiRequest } from '../../../http/api-method.ts';
import type { VisibleHooks } from '../../../ledger/search/filter.ts';

const SCOPE = 'hooks:list-last-fires:';
/** Each entry that is looked at is compared with each. */
const MOST_PREFIXES = 100;

export const visibleHooks = (scopes: readonly string[]): VisibleHooks => {
  if (holds(scopes, `${SCOPE}*`)) return 'all';
  const own = normalForm(scopes.filter((scope) => scope.startsWith(SCOPE)));
  const named = own.map((scope) => scope.slice(SCOPE.length));
  return {
    names: named.filter((name) => !isWildcard(name)),
    prefixes: named.filter(isWildcard).map((name) => name.slice(0, -1)),
    has: (name) => holds(own, `${SCOPE}${name}`),
  };
};

/** Throws InsufficientScopes where the caller may see none of what they ask for. */
export const requireVisible = (
  { caller, authorize }: Pick<ApiRequest, 'caller' | 'authorize'>,
  hook?: string,
): VisibleHooks => {
  if (hook !== undefined && !hook.includes('*')) {
    authorize(`${SCOPE}${hook}`);
    return 'all'; // of those that are asked for
  }
  const visible = visibleHooks(caller.scopes);
  if (visible === 'all') return visible;
  if (visible.names.length + visible.prefixes.length === 0) authorize(`${SCOPE}${hook ?? '*'}`);
  if (visible.prefixes.length > MOST_PREFIXES) {
    const message = `Your scopes have more than ${MOST_PREFIXES} patterns of hooks whose fires you may list. Say which \`hook\` you look for.`;
    throw new ApiError('InputError', message);
  }
  return visible;
};

/** The same answer for what is not there and for what somebody may not see. */
export const noSuchFire = () => new ApiError('ResourceNotFound', 'No such fire, or none that you may see');
