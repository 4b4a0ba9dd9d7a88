// What the references and schemas that we serve look like: the documents that their `$schema`
// names.
import type { ScopeExpression } from '../api-method.ts';

export const DRAFT_07 = 'http://json-schema.org/draft-07/schema#';

/**
 * Under `/schemas/common/`. What a document of this kind is, for those who find it by its
 * `$schema`.
 */
export type Metaschema = {
  readonly name: string;
  readonly metadata: { readonly name: string; readonly version: number };
  readonly title: string;
  readonly description: string;
  readonly schema: object;
};

const text = { type: 'string' };
const described = (description: string, more: object = {}) => ({ type: 'string', description, ...more });
const closedObject = (properties: object, optional: readonly string[] = []) => ({
  type: 'object',
  properties,
  additionalProperties: false,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});
const listOf = (items: object, more: object = {}) => ({ type: 'array', items, ...more });

const head = {
  $schema: described('The URL of the schema that a document of this kind fits.', { format: 'uri-reference' }),
  apiVersion: described('The version in the URLs of the service.', { pattern: '^v[0-9]+$' }),
  serviceName: described('The name of the service in URLs.', { pattern: '^[a-z][a-z0-9_-]{0,21}$' }),
  title: text,
  description: described('Markdown.'),
};

/** A name of one of the kinds of {@link ScopeExpression}. */
type Operator = Extract<ScopeExpression, object> extends infer Kind ? (Kind extends Kind ? keyof Kind : never) : never;

const operator = (name: Operator) => closedObject({ [name]: listOf({ $ref: '#/definitions/scopeExpression' }) });

const schemaName = (what: string) =>
  described(`The schema of ${what}, relative to \`/schemas/<serviceName>/\`.`, { pattern: '^v[0-9]+/.+\\.json#$' });

const apiReference: Metaschema = {
  name: 'api-reference-v0',
  metadata: { name: 'api', version: 0 },
  title: 'API reference',
  description: 'The methods of a service, as generic clients read them.',
  schema: {
    ...closedObject({
      ...head,
      entries: listOf(
        closedObject(
          {
            type: { type: 'string', const: 'function' },
            name: described('What clients call the method.'),
            title: text,
            description: described('Markdown.'),
            category: described('The heading under which documentation lists the method.'),
            stability: { type: 'string', enum: ['stable', 'deprecated', 'experimental'] },
            method: described('The HTTP method.', { enum: ['get', 'put', 'post', 'delete'] }),
            route: described('What follows `/api/<serviceName>/<apiVersion>`, with parameters in angle brackets.'),
            args: listOf(text, { description: 'The parameters of the route, in order.' }),
            query: listOf(text, { description: 'The parameters that the query may have.' }),
            scopes: { description: 'What the caller must satisfy.', $ref: '#/definitions/scopeExpression' },
            input: schemaName('the payload'),
            output: schemaName('the answer'),
          },
          ['category', 'query', 'scopes', 'input', 'output'],
        ),
      ),
    }),
    definitions: {
      scopeExpression: {
        anyOf: [described('A scope.', { pattern: '^[\\x20-\\x7e]*$' }), operator('AllOf'), operator('AnyOf')],
      },
    },
  },
};

const exchangesReference: Metaschema = {
  name: 'exchanges-reference-v0',
  metadata: { name: 'exchanges', version: 0 },
  title: 'Exchanges reference',
  description: 'The exchanges to which a service publishes messages.',
  schema: closedObject({
    ...head,
    exchangePrefix: described('What comes before the name of each exchange on the broker.'),
    entries: listOf(
      closedObject({
        type: { type: 'string', const: 'topic-exchange' },
        name: described('What clients call the exchange.'),
        exchange: described('The name of the exchange, after the prefix.'),
        title: text,
        description: described('Markdown.'),
        routingKey: listOf(
          closedObject(
            {
              name: text,
              summary: text,
              multipleWords: described('Whether it may hold dots.', { type: 'boolean' }),
              required: described('Whether it is always there; else `_` stands for it.', { type: 'boolean' }),
              constant: described('Its value, where it has but one.'),
            },
            ['constant'],
          ),
        ),
        schema: schemaName('the messages'),
      }),
    ),
  }),
};

const manifest: Metaschema = {
  name: 'manifest-v3',
  metadata: { name: 'manifest', version: 3 },
  title: 'Manifest',
  description: 'Which references there are.',
  schema: closedObject({
    $schema: head.$schema,
    references: listOf(described('The URL of a reference.', { format: 'uri-reference' })),
  }),
};

export const METASCHEMAS = { apiReference, exchangesReference, manifest } as const;
