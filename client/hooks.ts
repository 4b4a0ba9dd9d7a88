// The client of the hooks service.
import { createClientClass } from './create-client-class.ts';
import { HOOKS_SERVICE, type HooksMethods, type ListFiresResponse, type ListLastFiresResponse } from './hooks-api.ts';

export type LastFire = ListLastFiresResponse['lastFires'][number];
export type FireRecord = ListFiresResponse['fires'][number];

export type PageOptions = {
  /** How many are fetched at a time, at most 1,000. Default: what the server deems good. */
  readonly pageSize?: number;
};

/**
 * @example
 * const hooks = new Hooks({ rootUrl: 'http://127.0.0.1:8080', credentials: { clientId, accessToken
 * } });
 * const { taskId } = await hooks.triggerHook('group', 'hook', { who: 'you' });
 */
export class Hooks extends createClientClass<HooksMethods>(HOOKS_SERVICE) {
  /** All of `listLastFires`, fetched page by page as they are looked at. */
  lastFires(hookGroupId: string, hookId: string, options: PageOptions = {}): AsyncGenerator<LastFire, void, undefined> {
    return itemsOf(options, async (query) => {
      const { lastFires, continuationToken } = await this.listLastFires(hookGroupId, hookId, query);
      return { items: lastFires, continuationToken };
    });
  }

  /** All of `listFires`, fetched page by page as they are looked at. */
  fires(hookGroupId: string, hookId: string, options: PageOptions = {}): AsyncGenerator<FireRecord, void, undefined> {
    return itemsOf(options, async (query) => {
      const { fires, continuationToken } = await this.listFires(hookGroupId, hookId, query);
      return { items: fires, continuationToken };
    });
  }
}

type Page<Item> = { readonly items: readonly Item[]; readonly continuationToken: string | undefined };
type PageQuery = { readonly limit?: number; readonly continuationToken?: string };

async function* itemsOf<Item>(
  { pageSize }: PageOptions,
  fetchPage: (query: PageQuery) => Promise<Page<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let query: PageQuery | undefined = pageSize === undefined ? {} : { limit: pageSize };
  while (query !== undefined) {
    const { items, continuationToken }: Page<Item> = await fetchPage(query);
    yield* items;
    query = continuationToken === undefined ? undefined : { ...query, continuationToken };
  }
}
