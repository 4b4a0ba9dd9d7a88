// Whose fires a caller may see: the hooks for which they have `hooks:list-last-fires:<group>/<id>`.

import { ApiError } from '../../../http/api-error.ts';
import type { ApiRequest } from '../../../http/api-method.ts';
import { isVisible, type VisibleHooks } from '../../../ledger/search/filter.ts';

const SCOPE = 'hooks:list-last-fires:';

export const visibleHooks = (scopes: readonly string[]): VisibleHooks => {
  const names: string[] = [];
  const prefixes: string[] = [];
  for (const scope of scopes) {
    const [start, isPrefix] = scope.endsWith('*') ? [scope.slice(0, -1), true] : [scope, false];
    if (isPrefix && SCOPE.startsWith(start)) return 'all';
    if (start.startsWith(SCOPE)) (isPrefix ? prefixes : names).push(start.slice(SCOPE.length));
  }
  return { names, prefixes };
};

/** Throws InsufficientScopes where the caller may see none of what they ask for. */
export const requireVisible = (
  { caller, authorize }: Pick<ApiRequest, 'caller' | 'authorize'>,
  hook?: string,
): VisibleHooks => {
  const visible = visibleHooks(caller.scopes);
  const isOne = hook !== undefined && !hook.includes('*');
  if (isOne && !isVisible(visible, hook)) authorize(`${SCOPE}${hook}`);
  if (visible !== 'all' && visible.names.length + visible.prefixes.length === 0) authorize(`${SCOPE}${hook ?? '*'}`);
  return visible;
};

/** The same answer for what is not there and for what somebody may not see. */
export const noSuchFire = () => new ApiError('ResourceNotFound', 'No such fire, or none that you may see');
