// The APIs as OpenAPI 3.1, for the tools that know nothing of Taskcluster's references. From the
// same declarations.
import { VERSION } from '../../version.ts';
import { API_ERRORS } from '../api-error.ts';
import {
  type ApiDeclaration,
  argumentsOf,
  type MethodDeclaration,
  type NamedSchema,
  type ScopeExpression,
} from '../api-method.ts';
import { inputSchema } from './input-schema.ts';

const SECURITY_SCHEMES = {
  hawk: {
    type: 'http',
    scheme: 'hawk',
    description:
      'Hawk with SHA-256: the client id is the `id`, the access token the `key`. `ext` may hold, in base64 JSON, a ' +
      '`certificate` of temporary credentials and `authorizedScopes`, which limit what the request may do.',
  },
  bewit: {
    type: 'apiKey',
    in: 'query',
    name: 'bewit',
    description: 'Hawk in the URL, for GET: a signed URL with an end.',
  },
} as const;

const ERROR = {
  type: 'object',
  title: 'Error',
  description: 'What every refusal looks like.',
  properties: {
    code: { type: 'string', enum: Object.keys(API_ERRORS), description: 'Stays when the message is worded better.' },
    message: { type: 'string', description: 'Markdown. It ends with method, code, status and time.' },
    requestInfo: {
      type: 'object',
      properties: {
        method: { type: 'string', description: 'The method of the API; empty when the path led to none.' },
        params: { type: 'object', additionalProperties: { type: 'string' } },
        payload: { description: 'As it was understood, defaults filled in; absent when it could not be read.' },
        time: { type: 'string', format: 'date-time' },
      },
      required: ['method', 'params', 'time'],
    },
  },
  required: ['code', 'message', 'requestInfo'],
} as const;

const json = (schema: object) => ({ 'application/json': { schema } });
const reference = (kind: 'schemas' | 'responses', name: string) => ({ $ref: `#/components/${kind}/${name}` });

const codesOf = (first: number, end: number): string =>
  Object.entries(API_ERRORS)
    .filter(([, status]) => status >= first && status < end)
    .map(([code, status]) => `${status} ${code}`)
    .join(', ');

const RESPONSES = {
  Refused: {
    description: `The request was refused: ${codesOf(400, 500)}.`,
    content: json(reference('schemas', 'Error')),
  },
  Failed: {
    description: `The server failed, and the same request may succeed later: ${codesOf(500, 600)}.`,
    content: json(reference('schemas', 'Error')),
  },
} as const;

export const describeOpenApi = (apis: readonly ApiDeclaration[], rootUrl: string): object => ({
  openapi: '3.1.0',
  info: {
    title: 'Hookwright',
    version: VERSION,
    description: 'A hooks server. Its API is that of Taskcluster’s services; the clients of Taskcluster work with it.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: rootUrl }],
  tags: apis.map(({ title, description }) => ({ name: title, description })),
  paths: describePaths(apis),
  components: {
    schemas: { Error: ERROR, ...Object.fromEntries(apis.flatMap(describeSchemas)) },
    responses: RESPONSES,
    securitySchemes: SECURITY_SCHEMES,
  },
});

const describePaths = (apis: readonly ApiDeclaration[]): object => {
  const paths: Record<string, Record<string, object>> = {};
  for (const api of apis) {
    for (const method of api.methods) {
      const path = `/api/${api.service}/v1${method.route.replace(/<(\w+)>/g, '{$1}')}`;
      paths[path] = { ...paths[path], [method.verb.toLowerCase()]: describeOperation(api, method) };
    }
  }
  return paths;
};

const describeOperation = ({ service, title }: ApiDeclaration, method: MethodDeclaration): object => {
  const { name, scopes, input, output, stability = 'stable' } = method;
  return {
    operationId: `${service}_${name}`,
    summary: method.title,
    description: scopes === undefined ? method.description : `${method.description}\n\n${describeScopes(scopes)}`,
    tags: [title],
    ...(stability === 'deprecated' && { deprecated: true }),
    'x-stability': stability,
    ...(scopes !== undefined && { 'x-scopes': scopes }),
    parameters: [...pathParameters(method), ...queryParameters(method)],
    ...(input && { requestBody: { required: true, content: json(schemaOf(service, input)) } }),
    responses: {
      // A method whose answer is not described may answer with nothing.
      ...(output
        ? { 200: { description: 'Success.', content: json(schemaOf(service, output)) } }
        : { '2XX': { description: 'Success.' } }),
      '4XX': reference('responses', 'Refused'),
      '5XX': reference('responses', 'Failed'),
    },
    security: securityOf(method),
  };
};

const pathParameters = ({ route, params = {}, secretParams = [] }: MethodDeclaration): object[] =>
  argumentsOf(route).map((name) => ({
    name,
    in: 'path',
    required: true,
    ...(secretParams.includes(name) && { description: 'A secret.' }),
    schema: { type: 'string', ...(params[name] && { pattern: params[name].source }) },
  }));

const queryParameters = ({ query = {} }: MethodDeclaration): object[] =>
  Object.entries(query).map(([name, { source }]) => ({
    name,
    in: 'query',
    schema: { type: 'string', pattern: source },
  }));

const securityOf = ({ scopes, verb }: MethodDeclaration): object[] => {
  if (scopes === undefined) return [];
  return verb === 'GET' ? [{ hawk: [] }, { bewit: [] }] : [{ hawk: [] }];
};

const describeScopes = (expression: ScopeExpression): string =>
  `Requires:\n\n\`\`\`\n${typeof expression === 'string' ? expression : JSON.stringify(expression, null, 2)}\n\`\`\``;

const componentName = (service: string, { name }: NamedSchema): string => `${service}-${name}`;

const schemaOf = (service: string, schema: NamedSchema): object => reference('schemas', componentName(service, schema));

const describeSchemas = ({ service, methods }: ApiDeclaration): [string, object][] =>
  methods.flatMap(({ input, output }): [string, object][] => [
    ...(input ? [[componentName(service, input), inputSchema(input.schema)] as [string, object]] : []),
    ...(output ? [[componentName(service, output), output.schema] as [string, object]] : []),
  ]);
