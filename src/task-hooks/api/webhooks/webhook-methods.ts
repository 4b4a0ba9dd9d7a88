// What the methods of the hooks API do with webhooks.
import { toIso } from '../../../core/clock.ts';
import { ApiError } from '../../../http/api-error.ts';
import type { ApiHandler, ApiRequest } from '../../../http/api-method.ts';
import { isNetwork } from '../../../http/senders/addresses.ts';
import type { Hook, HookName } from '../../definition.ts';
import type {
  PutWebhookRequest,
  RotateWebhookSecretRequest,
  WebhookAnswer,
} from '../../deliveries/webhook-definition.ts';
import type { Webhook, WebhookStore } from '../../deliveries/webhook-store.ts';
import { findTemplateProblems } from '../../evaluation/template-problems.ts';
import type { Actor } from '../../hooks/audit.ts';
import { WEBHOOK_URL } from './serve-deliveries.ts';
import type { ChangedWebhook, WebhookChanges } from './webhook-changes.ts';

export type WebhookMethodsSettings = {
  readonly webhooks: WebhookStore;
  readonly webhookChanges: WebhookChanges;
  readonly rootUrl: () => string;
};

type Asking = {
  readonly nameIn: (request: ApiRequest<unknown>) => HookName;
  readonly actorIn: (request: ApiRequest<unknown>) => Actor;
  /** Throws ResourceNotFound. */
  readonly findHook: (request: ApiRequest<unknown>) => Promise<Hook>;
};

type WebhookMethod = 'webhook' | 'listWebhooks' | 'putWebhook' | 'removeWebhook' | 'rotateWebhookSecret';

/** Characters of `when` and `map`. Their expressions are parsed here: 12 KB in 40 ms. */
const LARGEST_TEMPLATES = 12 * 1024;

export const webhookMethods = (
  { webhooks, webhookChanges, rootUrl }: WebhookMethodsSettings,
  { nameIn, actorIn, findHook }: Asking,
  // biome-ignore lint/suspicious/noExplicitAny: the payload's type is the method's own affair; its schema guards it.
): Record<WebhookMethod, ApiHandler<any>> => {
  const answerOf = (
    { name, path, settings, hidden, created, lastModified }: Webhook,
    secret?: string,
  ): WebhookAnswer => ({
    name,
    url: `${rootUrl()}${WEBHOOK_URL}/${path}`,
    ...settings,
    secretCount: hidden.secrets.length,
    hasVerifyToken: hidden.verifyToken !== undefined,
    created: toIso(created),
    lastModified: toIso(lastModified),
    ...(secret !== undefined && { secret }),
  });

  const answerChanged = (changed: ChangedWebhook | undefined) => {
    if (!changed) throw noSuchWebhook();
    return { body: answerOf(changed.webhook, changed.secret) };
  };

  return {
    listWebhooks: async (request) => {
      const found = await webhooks.list((await findHook(request)).uid);
      return { body: { webhooks: found.map((webhook) => answerOf(webhook)) } };
    },
    webhook: async (request) => {
      const found = await webhooks.list((await findHook(request)).uid);
      const webhook = found.find(({ name }) => name === request.params.name);
      if (!webhook) throw noSuchWebhook();
      return { body: answerOf(webhook) };
    },
    putWebhook: async (request: ApiRequest<PutWebhookRequest>) => {
      await findHook(request);
      checkRequest(request.payload);
      const { name = '' } = request.params;
      return answerChanged(await webhookChanges.put(nameIn(request), name, request.payload, actorIn(request)));
    },
    rotateWebhookSecret: async (request: ApiRequest<RotateWebhookSecretRequest>) => {
      const { name = '' } = request.params;
      return answerChanged(await webhookChanges.rotate(nameIn(request), name, request.payload, actorIn(request)));
    },
    removeWebhook: async (request) => {
      await webhookChanges.remove(nameIn(request), request.params.name as string, actorIn(request));
      return { body: {} };
    },
  };
};

const noSuchWebhook = () => new ApiError('ResourceNotFound', 'No such hook or webhook');

/** What the schema of the request cannot say. */
const checkRequest = ({ allow = [], when, map, expires }: PutWebhookRequest): void => {
  const problems = allow.flatMap((text, index) =>
    isNetwork(text)
      ? []
      : [`allow[${index}] is no address and no network: write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.`],
  );
  // A leap second is a time as RFC 3339 writes it, and none as it is counted here.
  if (expires !== undefined && Number.isNaN(Date.parse(expires))) {
    problems.push('expires: there is no such time. Write one like 2027-01-01T00:00:00Z.');
  }
  const templates = Object.entries({ when, map }).filter(([, template]) => template !== undefined);
  if (JSON.stringify(Object.fromEntries(templates)).length > LARGEST_TEMPLATES) {
    throw new ApiError(
      'InputError',
      `when and map have at most ${LARGEST_TEMPLATES / 1024} KB together. The task template takes more.`,
    );
  }
  for (const [name, template] of templates) {
    for (const { place, reason } of findTemplateProblems(template, name)) problems.push(`${place}: ${reason}`);
  }
  if (problems.length > 0) throw new ApiError('InputError', problems.join('\n'));
};
