// Webhooks that were used lately. What is here may be old: a fire is stored for this revision of
// the hook only, and a refusal is told after another look.
import { LRUCache } from 'lru-cache';
import { createBatch } from '../../database/batch.ts';
import { createAddressCheck } from '../../http/senders/addresses.ts';
import type { WebhookOfHook, WebhookStore } from './webhook-store.ts';

/** With what is made of it once. */
export type ReadyWebhook = WebhookOfHook & {
  readonly isAllowed: (address: string) => boolean;
  /** ms. */
  readonly expires: number;
};

export type WebhookCache = {
  readonly get: (path: string) => Promise<ReadyWebhook | undefined>;
  /** From the database, past the cache. Those who ask at the same time share a statement. */
  readonly reload: (path: string) => Promise<ReadyWebhook | undefined>;
};

const PATH = /^[A-Za-z0-9_-]{22}$/;
const MOST_CACHED = 2_000;
const MOST_AT_ONCE = 200;

export const createWebhookCache = (store: Pick<WebhookStore, 'findByPaths'>): WebhookCache => {
  const cached = new LRUCache<string, ReadyWebhook>({ max: MOST_CACHED });

  const keep = (path: string, webhook: WebhookOfHook | undefined): ReadyWebhook | undefined => {
    const known = cached.get(path);
    if (!webhook) cached.delete(path);
    else if (known?.uid !== webhook.uid || known.hook.revision !== webhook.hook.revision)
      cached.set(path, ready(webhook));
    return cached.get(path);
  };

  const reloadTogether = createBatch<string, ReadyWebhook | undefined>({
    maxItems: MOST_AT_ONCE,
    concurrency: 1,
    run: async (paths) => {
      const found = await store.findByPaths([...new Set(paths)]);
      return paths.map((path) => keep(path, found.get(path)));
    },
  });

  const reload = async (path: string) => (PATH.test(path) ? reloadTogether(path) : undefined);

  return { reload, get: async (path) => cached.get(path) ?? reload(path) };
};

const ready = (webhook: WebhookOfHook): ReadyWebhook => {
  const { allow, expires } = webhook.settings;
  return {
    ...webhook,
    isAllowed: allow === undefined ? () => true : createAddressCheck(allow),
    expires: expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires),
  };
};
