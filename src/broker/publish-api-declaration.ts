// The API of the in-process broker as data: publishing over HTTP, which RabbitMQ does not need.
import type { ApiDeclaration, MethodDeclaration, NamedSchema } from '../http/api-method.ts';

const PUBLISH_REQUEST: NamedSchema = {
  name: 'publish-request',
  schema: {
    title: 'Message',
    description: 'The message: any JSON object or array.',
    anyOf: [{ type: 'object' }, { type: 'array' }],
  },
};

const PUBLISH_RESPONSE: NamedSchema = {
  name: 'publish-response',
  schema: {
    type: 'object',
    properties: { messageId: { type: 'string', description: 'As given, or a new one.' } },
    required: ['messageId'],
    additionalProperties: false,
  },
};

const METHODS = [
  {
    name: 'publish',
    title: 'Publish a message',
    description:
      'Publishes a message on a topic exchange. It is answered when the message is stored: each hook that is bound to it will get it. ' +
      'Exchanges on which this server tells of its own events cannot be published to.',
    verb: 'POST',
    route: '/publish/<exchange>',
    params: { exchange: /^[\x20-\x7e]{1,255}$/ },
    query: { routingKey: /^[^\0]{0,255}$/, messageId: /^[\x20-\x7e]{1,255}$/ },
    scopes: 'broker:publish:<exchange>',
    input: PUBLISH_REQUEST,
    output: PUBLISH_RESPONSE,
  },
] as const satisfies readonly MethodDeclaration[];

type Declared = (typeof METHODS)[number];

/** Without `ping` and its like, which every service has (http/). */
export const BROKER_API: ApiDeclaration<MethodDeclaration & { readonly name: Declared['name'] }> = {
  service: 'broker',
  title: 'Broker Service',
  description: 'Messages on topic exchanges, for a server that runs without RabbitMQ.',
  methods: METHODS,
};
