// What a webhook is: the shapes that clients send and read.
import Type, { type Static } from 'typebox';
import type { NamedSchema } from '../../http/api-method.ts';
import { MOST_SECRETS, schemeProperties } from '../webhooks/schemes/settings.ts';

export const WEBHOOK_NAME = /^[a-zA-Z0-9-_]{1,100}$/;

const time = Type.String({ format: 'date-time' });

const settings = {
  ...schemeProperties,
  allow: Type.Optional(
    Type.Array(Type.String({ maxLength: 50 }), {
      maxItems: 100,
      description: 'Addresses and networks that may send, like `192.0.2.0/24`. Absent: all.',
    }),
  ),
  when: Type.Optional(
    Type.Unknown({
      description:
        'JSON-e, with `payload` and `webhook` among its names. Nothing fires unless it renders to something true.',
    }),
  ),
  map: Type.Optional(Type.Unknown({ description: 'JSON-e, with the same names: what becomes the payload.' })),
  respond: Type.Optional(
    Type.Enum(['Accepted', 'Task'], {
      description:
        '`Accepted`: 202 as soon as the fire is stored. `Task`: 200 with the taskId, when there is a task, or after 10 s.',
      default: 'Accepted',
    }),
  ),
  expires: Type.Optional(
    Type.String({ format: 'date-time', maxLength: 50, description: 'From then on nothing is accepted.' }),
  ),
};

const storedSettings = Type.Object(settings, { additionalProperties: false });
/** As it is stored: without secrets. */
export type WebhookSettings = Static<typeof storedSettings>;

const secret = Type.String({ minLength: 1, maxLength: 500 });

const putWebhookRequest = Type.Object(
  {
    ...settings,
    secrets: Type.Optional(
      Type.Union(
        [
          Type.Array(secret, { minItems: 1, maxItems: MOST_SECRETS }),
          Type.Object({ generate: Type.Literal(true) }, { additionalProperties: false }),
        ],
        { description: 'What the sender signs with, or shows; `{"generate": true}`: a new one, answered this once.' },
      ),
    ),
    verifyToken: Type.Optional(
      Type.String({ minLength: 8, maxLength: 500, description: 'What WebSub and Meta show as `hub.verify_token`.' }),
    ),
  },
  { additionalProperties: false },
);
export type PutWebhookRequest = Static<typeof putWebhookRequest>;

const rotateWebhookSecretRequest = Type.Object(
  {
    secret: Type.Optional(secret),
    keepOld: Type.Optional(
      Type.Boolean({ default: true, description: 'Whether the secret of before is good until the next change, too.' }),
    ),
  },
  { additionalProperties: false, description: 'Without `secret`, one is made and answered this once.' },
);
export type RotateWebhookSecretRequest = Static<typeof rotateWebhookSecretRequest>;

const webhook = Type.Object(
  {
    name: Type.String(),
    url: Type.String({ description: 'Where the sender sends.' }),
    ...settings,
    secretCount: Type.Integer({ description: 'How many secrets are good at present. They are never answered.' }),
    hasVerifyToken: Type.Boolean(),
    created: time,
    lastModified: time,
    secret: Type.Optional(Type.String({ description: 'The one that this request has made, this once.' })),
  },
  { additionalProperties: false },
);
export type WebhookAnswer = Static<typeof webhook>;

export const PUT_WEBHOOK_REQUEST: NamedSchema = { name: 'put-webhook-request', schema: putWebhookRequest };
export const ROTATE_WEBHOOK_SECRET_REQUEST: NamedSchema = {
  name: 'rotate-webhook-secret-request',
  schema: rotateWebhookSecretRequest,
};
export const WEBHOOK: NamedSchema = { name: 'webhook', schema: webhook };
export const LIST_WEBHOOKS_RESPONSE: NamedSchema = {
  name: 'list-webhooks-response',
  schema: Type.Object({ webhooks: Type.Array(webhook) }),
};
