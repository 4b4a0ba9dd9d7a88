// All hooks of a group: one answer, as clients expect it, but never all of it at once.
import { ApiError } from '../../http/api-error.ts';
import type { ApiAnswer } from '../../http/api-method.ts';
import type { HookPage, HookStore } from '../hooks/hook-store.ts';

export const listHooks = async (hooks: Pick<HookStore, 'page'>, hookGroupId: string): Promise<ApiAnswer> => {
  const first = await hooks.page(hookGroupId, '');
  if (first.definitions.length === 0) throw new ApiError('ResourceNotFound', 'No such group');
  if (!first.hasMore) return { body: { hooks: first.definitions } };
  return { pieces: writePages(first, (after) => hooks.page(hookGroupId, after)) };
};

async function* writePages(first: HookPage, read: (after: string) => Promise<HookPage>): AsyncGenerator<string> {
  let before = '{"hooks":[';
  let page = first;
  for (;;) {
    for (const definition of page.definitions) {
      yield before + JSON.stringify(definition);
      before = ',';
    }
    const last = page.definitions.at(-1);
    if (!page.hasMore || !last) break;
    page = await read(last.hookId);
  }
  yield ']}';
}
