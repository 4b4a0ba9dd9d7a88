// The API of the broker as data: publishing and watching over HTTP, whichever broker the server
// has.
import Type from 'typebox';
import type { ApiDeclaration, MethodDeclaration, NamedSchema } from '../http/api-method.ts';
import { BODY_LIMIT_BYTES } from '../http/bodies/body.ts';

const PUBLISH_REQUEST: NamedSchema = {
  name: 'publish-request',
  schema: {
    title: 'Message',
    description: 'The message: any JSON object or array.',
    anyOf: [{ type: 'object' }, { type: 'array' }],
  },
};

const closed = { additionalProperties: false };

const PUBLISH_RESPONSE: NamedSchema = {
  name: 'publish-response',
  schema: Type.Object(
    {
      messageId: Type.String({ description: 'As given, or a new one.' }),
      wasRouted: Type.Boolean({ description: 'Whether any queue got it. `false`: nobody is bound to it.' }),
    },
    closed,
  ),
};

const OPEN_WATCH_RESPONSE: NamedSchema = {
  name: 'open-watch-response',
  schema: Type.Object(
    { watchId: Type.String({ description: 'Names the watch, together with its exchange.' }) },
    closed,
  ),
};

const READ_WATCH_RESPONSE: NamedSchema = {
  name: 'read-watch-response',
  schema: Type.Object(
    {
      messages: Type.Array(
        Type.Object(
          {
            exchange: Type.String({ description: 'Where it was published, which may lead to the watched one.' }),
            routingKey: Type.String(),
            cc: Type.Array(Type.String(), { description: 'More routing keys by which it was routed.' }),
            messageId: Type.Optional(Type.String()),
            accepted: Type.Optional(Type.String({ format: 'date-time', description: 'RabbitMQ does not say.' })),
            body: Type.Optional(
              Type.String({ description: 'As text; JSON as a rule. Absent when it has more than 1 MB.' }),
            ),
            bytes: Type.Integer({ minimum: 0, description: 'The size of the body.' }),
          },
          closed,
        ),
        { description: 'Oldest first. Empty: nothing came for a while; read again.' },
      ),
      isIncomplete: Type.Boolean({
        description: 'Older messages were dropped, or may have been, because more came than a watch keeps.',
      }),
    },
    closed,
  ),
};

const EXCHANGE = /^[\x20-\x7e]{1,255}$/;
const WATCH = { exchange: EXCHANGE, watchId: /^[\w-]{44}$/ };

const METHODS = [
  {
    name: 'publish',
    title: 'Publish a message',
    description:
      'Publishes a message on a topic exchange. It is answered when the broker has accepted the message durably: each hook that is bound to it ' +
      'will get it. With RabbitMQ the exchange must exist; `declare=true` makes a durable topic exchange when there is none. Exchanges on which ' +
      'this server tells of its own events cannot be published to.',
    verb: 'POST',
    route: '/publish/<exchange>',
    params: { exchange: EXCHANGE },
    query: { routingKey: /^[^\0]{0,255}$/, messageId: /^[\x20-\x7e]{1,255}$/, declare: /^(true|false)$/ },
    scopes: 'broker:publish:<exchange>',
    input: PUBLISH_REQUEST,
    largestBody: BODY_LIMIT_BYTES,
    output: PUBLISH_RESPONSE,
  },
  {
    name: 'openWatch',
    title: 'Watch an exchange',
    description:
      'From here on, messages of the exchange whose routing key matches the pattern (default `#`, all) gather for `readWatch`. A watch keeps ' +
      '1,000 messages and 32 MB, drops the oldest when there are more, and is gone when nobody has read it for a minute. It takes nothing away ' +
      'from anybody else.',
    verb: 'POST',
    route: '/watch/<exchange>',
    params: { exchange: EXCHANGE },
    query: { routingKeyPattern: /^[^\0]{0,255}$/ },
    scopes: 'broker:watch:<exchange>',
    output: OPEN_WATCH_RESPONSE,
  },
  {
    name: 'readWatch',
    title: 'Read what came on a watch',
    description:
      'Answers the messages that came since the last time, at most 100 and about 2 MB; each is answered once. While there is none it waits, up to ten ' +
      'seconds. Any process of the server can answer.',
    verb: 'POST',
    route: '/watch/<exchange>/<watchId>',
    params: WATCH,
    scopes: 'broker:watch:<exchange>',
    output: READ_WATCH_RESPONSE,
    secretParams: ['watchId'],
  },
  {
    name: 'closeWatch',
    title: 'End a watch',
    description: 'What it has gathered is gone. That it is gone already is no error.',
    verb: 'DELETE',
    route: '/watch/<exchange>/<watchId>',
    params: WATCH,
    scopes: 'broker:watch:<exchange>',
    secretParams: ['watchId'],
  },
] as const satisfies readonly MethodDeclaration[];

type Declared = (typeof METHODS)[number];

/** Without `ping` and its like, which every service has (http/). */
export const BROKER_API: ApiDeclaration<MethodDeclaration & { readonly name: Declared['name'] }> = {
  service: 'broker',
  title: 'Broker Service',
  description: 'Messages on topic exchanges, on RabbitMQ or on the broker that the server has without one.',
  methods: METHODS,
};
