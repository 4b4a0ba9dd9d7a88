// Changes of webhooks. Each makes the hook's next revision and writes an audit row, in one
// transaction with the hook locked.
import type { Clock } from '../../../core/clock.ts';
import { newSlugId, newUuid } from '../../../core/ids.ts';
import type { Database, Transaction } from '../../../database/database.ts';
import { ApiError } from '../../../http/api-error.ts';
import type { Hook, HookName } from '../../definition.ts';
import type {
  PutWebhookRequest,
  RotateWebhookSecretRequest,
  WebhookSettings,
} from '../../deliveries/webhook-definition.ts';
import type { Webhook, WebhookStore } from '../../deliveries/webhook-store.ts';
import { type Actor, type AuditEntry, writeAudit } from '../../hooks/audit.ts';
import type { HookStore } from '../../hooks/hook-store.ts';
import { forgetRejections } from '../../messages/rejections.ts';
import { newSecret } from '../../webhooks/schemes/secrets.ts';
import { MOST_SECRETS, problemsOfScheme } from '../../webhooks/schemes/settings.ts';

/** `secret`: the one that was made. */
export type ChangedWebhook = { readonly webhook: Webhook; readonly secret: string | undefined };

export type WebhookChanges = {
  /**
   * undefined: no such hook. Throws InputError where the scheme and the secrets do not go together.
   */
  readonly put: (
    hook: HookName,
    name: string,
    request: PutWebhookRequest,
    by: Actor,
  ) => Promise<ChangedWebhook | undefined>;
  /** undefined: no such hook, or no such webhook. */
  readonly rotate: (
    hook: HookName,
    name: string,
    request: RotateWebhookSecretRequest,
    by: Actor,
  ) => Promise<ChangedWebhook | undefined>;
  /** Does nothing when there is no such hook or webhook. */
  readonly remove: (hook: HookName, name: string, by: Actor) => Promise<void>;
};

export type WebhookChangesSettings = {
  readonly database: Database;
  readonly hooks: HookStore;
  readonly webhooks: WebhookStore;
  readonly clock: Clock;
};

const MOST_WEBHOOKS = 50;

export const createWebhookChanges = ({ database, hooks, webhooks, clock }: WebhookChangesSettings): WebhookChanges => {
  /** The hook and its webhooks as nobody else can change them before the end of the transaction. */
  const change = <Result>(name: HookName, work: (tx: Transaction, hook: Hook, known: Webhook[]) => Promise<Result>) =>
    database.transaction(async (tx) => {
      const hook = await hooks.lock(tx, name);
      return hook && work(tx, hook, await webhooks.list(hook.uid, tx));
    });

  const save = async (
    ...[tx, hook, by, entry]: [Transaction, Hook, Actor, Pick<AuditEntry, 'action' | 'before' | 'after'>]
  ) => {
    const at = clock.now();
    await hooks.replace(tx, hook, at);
    const { hookGroupId, hookId } = hook.definition;
    await writeAudit(tx, { ...entry, hookGroupId, hookId, hookUid: hook.uid, by, at });
  };

  return {
    put: (hookName, name, { secrets: given, verifyToken, ...rest }, by) =>
      change(hookName, async (tx, hook, all) => {
        const known = all.find((one) => one.name === name);
        if (!known && all.length >= MOST_WEBHOOKS) {
          throw new ApiError(
            'InputError',
            `A hook has at most ${MOST_WEBHOOKS} webhooks. Remove one that is not used.`,
          );
        }
        const settings: WebhookSettings = { ...rest, respond: rest.respond ?? 'Accepted' };
        const secret = given !== undefined && 'generate' in given ? newSecret(settings.scheme) : undefined;
        const kept = settings.scheme === 'none' ? [] : (known?.hidden.secrets ?? []);
        const secrets = secret !== undefined ? [secret] : ((given as string[] | undefined) ?? kept);
        requireNone(problemsOfScheme(settings, secrets));
        const now = clock.now();
        const { uid = newUuid(), path = newSlugId(), created = now } = known ?? {};
        const hidden = { secrets, verifyToken: verifyToken ?? known?.hidden.verifyToken };
        const webhook = { ...{ uid, hookUid: hook.uid, name, path, settings }, hidden, created, lastModified: now };
        await webhooks.put(tx, webhook);
        const before = known && { webhook: name, ...known.settings };
        const after = { webhook: name, ...settings };
        await save(tx, hook, by, { action: 'webhook set', ...(before && { before }), after });
        return { webhook, secret };
      }),

    rotate: (hookName, name, { secret: given, keepOld = true }, by) =>
      change(hookName, async (tx, hook, all) => {
        const known = all.find((one) => one.name === name);
        if (!known) return undefined;
        const { settings, hidden } = known;
        if (settings.scheme === 'none') throw new ApiError('InputError', 'A webhook of the scheme none has no secret.');
        const secret = given ?? newSecret(settings.scheme);
        const secrets = [secret, ...(keepOld ? hidden.secrets : [])].slice(0, MOST_SECRETS);
        requireNone(problemsOfScheme(settings, secrets));
        const webhook = { ...known, hidden: { ...hidden, secrets }, lastModified: clock.now() };
        await webhooks.put(tx, webhook);
        await save(tx, hook, by, { action: 'webhook secret rotated', after: { webhook: name } });
        return { webhook, secret: given === undefined ? secret : undefined };
      }),

    remove: async (hookName, name, by) => {
      await change(hookName, async (tx, hook, all) => {
        const known = all.find((one) => one.name === name);
        if (!known) return;
        await webhooks.remove(tx, known);
        await forgetRejections(tx, known.uid);
        await save(tx, hook, by, { action: 'webhook removed', before: { webhook: name, ...known.settings } });
      });
    },
  };
};

const requireNone = (problems: readonly string[]): void => {
  if (problems.length > 0) throw new ApiError('InputError', problems.join('\n'));
};
