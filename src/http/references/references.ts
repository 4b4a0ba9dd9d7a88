// The references and schemas that generic clients download, made from the declarations of the APIs.
import { type ApiDeclaration, argumentsOf, type MethodDeclaration, type NamedSchema } from '../api-method.ts';
import { inputSchema } from './input-schema.ts';
import { DRAFT_07, METASCHEMAS, type Metaschema } from './metaschemas.ts';
import { describeOpenApi } from './openapi.ts';

/** Path → document. */
export type Documents = ReadonlyMap<string, object>;

const API_VERSION = 'v1';

/**
 * All documents of these services. URLs in them are absolute, so that one that was saved still says
 * where it came from.
 */
export const describeApis = (apis: readonly ApiDeclaration[], rootUrl: string): Documents => {
  const documents = new Map<string, object>();
  for (const api of apis) {
    documents.set(`/references/${api.service}/${API_VERSION}/api.json`, apiReference(api, rootUrl));
    const exchanges = exchangesReference(api, rootUrl);
    if (exchanges) documents.set(`/references/${api.service}/${API_VERSION}/exchanges.json`, exchanges);
  }
  const references = [...documents.keys()].sort().map((path) => rootUrl + path);
  documents.set('/references/manifest.json', { $schema: metaschemaUrl(METASCHEMAS.manifest, rootUrl), references });
  documents.set('/references/openapi.json', describeOpenApi(apis, rootUrl));
  for (const [path, schema] of serviceSchemas(apis)) documents.set(path, publishedSchema(path, schema, rootUrl));
  for (const { name, schema, ...about } of Object.values(METASCHEMAS)) {
    const path = `/schemas/common/${name}.json`;
    documents.set(path, { $schema: DRAFT_07, $id: `${rootUrl}${path}#`, ...about, ...schema });
  }
  return documents;
};

const metaschemaUrl = ({ name }: Metaschema, rootUrl: string): string => `${rootUrl}/schemas/common/${name}.json#`;

const relativeSchema = ({ name }: NamedSchema): string => `${API_VERSION}/${name}.json#`;

export const apiReference = ({ service, title, description, methods }: ApiDeclaration, rootUrl: string) => ({
  $schema: metaschemaUrl(METASCHEMAS.apiReference, rootUrl),
  apiVersion: API_VERSION,
  serviceName: service,
  title,
  description,
  entries: methods.map((method) => functionEntry(method, title)),
});

const functionEntry = (method: MethodDeclaration, serviceTitle: string) => ({
  type: 'function',
  method: method.verb.toLowerCase(),
  route: method.route,
  args: argumentsOf(method.route),
  query: Object.keys(method.query ?? {}).sort(),
  name: method.name,
  stability: method.stability ?? 'stable',
  category: method.category ?? serviceTitle,
  ...(method.scopes !== undefined && { scopes: method.scopes }),
  ...(method.input && { input: relativeSchema(method.input) }),
  ...(method.output && { output: relativeSchema(method.output) }),
  title: method.title,
  description: method.description,
});

/** undefined for a service that publishes nothing. */
export const exchangesReference = ({ service, exchanges }: ApiDeclaration, rootUrl: string) =>
  exchanges && {
    $schema: metaschemaUrl(METASCHEMAS.exchangesReference, rootUrl),
    apiVersion: API_VERSION,
    serviceName: service,
    title: exchanges.title,
    description: exchanges.description,
    exchangePrefix: `exchange/taskcluster-${service}/${API_VERSION}/`,
    entries: exchanges.entries.map(({ schema, ...entry }) => ({
      type: 'topic-exchange',
      ...entry,
      schema: relativeSchema(schema),
    })),
  };

/**
 * Every schema that a reference names, once. Two that differ under one name are a mistake in the
 * declarations.
 */
const serviceSchemas = (apis: readonly ApiDeclaration[]): ReadonlyMap<string, NamedSchema> => {
  const schemas = new Map<string, NamedSchema>();
  for (const { service, methods, exchanges } of apis) {
    const named = [
      ...methods.flatMap(({ input, output }) => [
        input && { name: input.name, schema: inputSchema(input.schema) },
        output,
      ]),
      ...(exchanges?.entries ?? []).map(({ schema }) => schema),
    ];
    for (const schema of named) {
      if (schema === undefined) continue;
      const path = `/schemas/${service}/${API_VERSION}/${schema.name}.json`;
      const known = schemas.get(path);
      if (known && JSON.stringify(known.schema) !== JSON.stringify(schema.schema)) {
        throw new Error(`two schemas are called ${path}`);
      }
      schemas.set(path, schema);
    }
  }
  return schemas;
};

const publishedSchema = (path: string, { name, schema }: NamedSchema, rootUrl: string) => ({
  $schema: DRAFT_07,
  $id: `${rootUrl}${path}#`,
  title: titleOf(name),
  ...schema,
});

/** `create-hook-request` → `Create hook request`, for schemas that have no title of their own. */
const titleOf = (name: string): string => {
  const words = name.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};
