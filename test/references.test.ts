// What generic clients read before they call: references, schemas, OpenAPI. Judged by the real
// client and by the rules of each format.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import type { ApiDeclaration, ExchangesDeclaration } from '../src/http/api-method.ts';
import { inputSchema } from '../src/http/references/input-schema.ts';
import { describeApis } from '../src/http/references/references.ts';
import { echoHook, taskcluster } from './support/client.ts';
import { type Reply, send } from './support/request.ts';
import { type Server, serveQuickly } from './support/server.ts';
import { installTestTools, requireTool } from './support/test-tools.ts';
import { lastFirst } from './support/wait.ts';

const cleanup = lastFirst({ after });

// biome-ignore lint/suspicious/noExplicitAny: documents are what the test says they are.
type Document = any;

let server: Server;
let services: readonly string[];
before(async () => {
  server = await serveQuickly(cleanup);
  const urls: string[] = (await document('/references/manifest.json')).references;
  services = urls.flatMap((url) => /\/references\/(\w+)\/v1\/api\.json$/.exec(url)?.[1] ?? []);
});

const get = (url: string, headers: Record<string, string> = {}): Promise<Reply> => {
  const { pathname } = new URL(url, server.url);
  return send(server.url, pathname, { headers });
};
const document = async (url: string): Promise<Document> => {
  const reply = await get(url);
  assert.equal(reply.status, 200, url);
  return reply.json;
};
const reference = (service: string): Promise<Document> => document(`/references/${service}/v1/api.json`);

const newAjv = (): Ajv => {
  const ajv = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true });
  (addFormats as unknown as (instance: Ajv) => void)(ajv);
  ajv.addVocabulary(['metadata']);
  return ajv;
};

describe('the manifest', () => {
  it('names a reference for every service, and each is there', async () => {
    const { references } = await document('/references/manifest.json');
    for (const service of ['auth', 'hooks', 'queue']) {
      assert.ok(references.includes(`${server.url}/references/${service}/v1/api.json`));
    }
    for (const url of references) assert.equal((await document(url)).apiVersion, 'v1');
  });
});

describe('a document', () => {
  it('is public, open to browsers, and cached until it changes', async () => {
    for (const path of ['/references/manifest.json', '/references/openapi.json', '/references/hooks/v1/api.json']) {
      const { status, headers } = await get(path);
      assert.equal(status, 200);
      assert.equal(headers['content-type'], 'application/json; charset=utf-8');
      assert.equal(headers['access-control-allow-origin'], '*');
      assert.equal(headers['cache-control'], 'public, max-age=300');
      assert.equal((await get(path, { 'if-none-match': String(headers.etag) })).status, 304);
    }
  });

  it('that there is not is 404', async () => {
    for (const path of [
      '/references/',
      '/references/nope/v1/api.json',
      '/references/hooks/v2/api.json',
      '/schemas/hooks/v1/nope.json',
      '/schemas/__proto__',
      '/references/..%2f..%2fpackage.json',
    ]) {
      const { status, json } = await get(path);
      assert.deepEqual([status, json], [404, { error: 'Not found' }], path);
    }
  });

  it('is of the kind that its $schema names, which is served too', async () => {
    const { references } = await document('/references/manifest.json');
    for (const url of ['/references/manifest.json', ...references]) {
      const found = await document(url);
      const validate = newAjv().compile(await document(found.$schema));
      assert.ok(validate(found), `${url}: ${JSON.stringify(validate.errors)}`);
    }
  });
});

describe('every schema that a reference names', () => {
  it('is served under its name and can be used', async () => {
    for (const service of services) {
      const { entries } = await reference(service);
      const names = new Set<string>(entries.flatMap(({ input, output }: Document) => [input, output].filter(Boolean)));
      assert.ok(names.size > 0);
      const ajv = newAjv();
      for (const name of names) {
        const schema = await document(`/schemas/${service}/${name}`);
        assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#');
        assert.equal(schema.$id, `${server.url}/schemas/${service}/${name}`);
        assert.match(schema.title, /^\S.*\S$/);
        ajv.compile(schema);
      }
    }
  });

  it('asks callers for no more than the server does', async () => {
    const createHook = newAjv().compile(await document('/schemas/hooks/v1/create-hook-request.json'));
    const { metadata, task } = echoHook();
    assert.ok(createHook({ metadata, task }), JSON.stringify(createHook.errors));
    assert.ok(!createHook({ metadata }));
    assert.ok(!createHook({ metadata: { name: 'n' }, task }));
  });

  it('fits what the server answers', async () => {
    const { hooks } = clientsFrom(await references());
    await hooks.createHook('schema', 'fits', echoHook({ schedule: ['0 0 1 1 *'] }));
    const { entries } = await reference('hooks');
    const ajv = newAjv();
    const calls = {
      listHookGroups: [],
      listHooks: ['schema'],
      hook: ['schema', 'fits'],
      getHookStatus: ['schema', 'fits'],
      getTriggerToken: ['schema', 'fits'],
      triggerHook: ['schema', 'fits', {}],
      listLastFires: ['schema', 'fits'],
      listFires: ['schema', 'fits'],
      listVersions: ['schema', 'fits'],
      hookVersion: ['schema', 'fits', (await hooks.listVersions('schema', 'fits')).versions[0].version],
    };
    for (const [name, args] of Object.entries(calls)) {
      const answer = await hooks[name](...args).catch((error: Document) => assert.equal(name, 'triggerHook', error));
      if (answer === undefined) continue; // without a role the task is refused, which is a fire too
      const { output } = entries.find((entry: Document) => entry.name === name);
      const schema = await document(`/schemas/hooks/${output}`);
      assert.ok(ajv.validate(schema, answer), `${name}: ${ajv.errorsText()}`);
    }
  });
});

const references = async (): Promise<Record<string, Document>> =>
  Object.fromEntries(await Promise.all(services.map(async (service) => [service, await reference(service)])));

const clientsFrom = (all: Record<string, Document>): Record<string, Document> =>
  Object.fromEntries(
    Object.entries(all).map(([service, one]) => {
      const Client = taskcluster.createClient(one, service);
      const { rootUrl, clientId, accessToken } = server.credentials;
      return [service, new Client({ rootUrl, credentials: { clientId, accessToken }, retries: 0 })];
    }),
  );

describe('the real client', () => {
  it('works when it is made from our references', async () => {
    const { hooks, auth, queue } = clientsFrom(await references());
    for (const client of [hooks, auth, queue]) assert.equal((await client.ping()).alive, true);
    await auth.createRole('hook-id:made/from-reference', { description: '', scopes: ['queue:*'] });
    const { task } = echoHook();
    const said = { $eval: 'payload' };
    const definition = await hooks.createHook(
      'made',
      'from-reference',
      echoHook({ task: { ...task, payload: { said } } }),
    );
    assert.deepEqual(await hooks.hook('made', 'from-reference'), definition);
    const { taskId } = await hooks.triggerHook('made', 'from-reference', { from: 'a reference' });
    assert.deepEqual((await queue.task(taskId)).payload.said, { from: 'a reference' });
    const { lastFires } = await hooks.listLastFires('made', 'from-reference', { limit: 1 });
    assert.equal(lastFires[0].taskId, taskId);
    const { token } = await hooks.getTriggerToken('made', 'from-reference');
    assert.ok((await hooks.triggerHookWithToken('made', 'from-reference', token, {})).taskId);
    assert.deepEqual(await hooks.removeHook('made', 'from-reference'), {});
    await assert.rejects(hooks.hook('made', 'from-reference'), { statusCode: 404, code: 'ResourceNotFound' });
  });

  it('finds in ours every method of the hooks service that it knows, with all that it knows of it', async () => {
    const known = await knownReference('Hooks');
    const { entries } = await reference('hooks');
    for (const entry of known.entries) {
      const ours = entries.find(({ name }: Document) => name === entry.name);
      assert.ok(ours, `${entry.name} is missing`);
      for (const key of [
        'type',
        'method',
        'route',
        'args',
        'query',
        'scopes',
        'stability',
        'input',
        'output',
        'category',
      ]) {
        assert.deepEqual(ours[key], entry[key], `${key} of ${entry.name}`);
      }
    }
  });

  it('finds in ours of auth and queue nothing that it knows otherwise', async () => {
    for (const [name, service] of [
      ['Auth', 'auth'],
      ['Queue', 'queue'],
    ] as const) {
      const known = await knownReference(name);
      for (const ours of (await reference(service)).entries) {
        const entry = known.entries.find((one: Document) => one.name === ours.name);
        if (!entry) continue;
        for (const key of ['type', 'method', 'route', 'args']) {
          assert.deepEqual(ours[key], entry[key], `${key} of ${service}.${ours.name}`);
        }
      }
    }
  });
});

/** What the package carries of a service. */
const knownReference = async (name: string): Promise<Document> => {
  const path = import.meta.resolve('taskcluster-client').replace(/index\.js$/, 'apis.js');
  return (await import(path)).default[name].reference;
};

describe('exchanges', () => {
  const withExchanges = (exchanges: ExchangesDeclaration): ApiDeclaration => ({
    service: 'hooks',
    title: 'Hooks Service',
    description: '',
    methods: [],
    exchanges,
  });
  const declarationOf = ({ title, description, entries }: Document): ExchangesDeclaration => ({
    title,
    description,
    entries: entries.map(({ type: _, schema, ...entry }: Document) => ({
      ...entry,
      schema: { name: /^v1\/(.*)\.json#$/.exec(schema)?.[1], schema: { type: 'object' } },
    })),
  });

  it('that are declared as the real ones are described as the real ones', async () => {
    const known = await knownReference('HooksEvents');
    const documents = describeApis([withExchanges(declarationOf(known))], 'https://example.com');
    const path = '/references/hooks/v1/exchanges.json';
    assert.deepEqual(documents.get(path), {
      ...known,
      $schema: 'https://example.com/schemas/common/exchanges-reference-v0.json#',
    });
    assert.ok(
      (documents.get('/references/manifest.json') as Document).references.includes(`https://example.com${path}`),
    );
    assert.ok(documents.has('/schemas/hooks/v1/pulse-hook-changed-message.json'));
    const metaschema = documents.get('/schemas/common/exchanges-reference-v0.json') as object;
    const validate = newAjv().compile(metaschema);
    assert.ok(validate(documents.get(path)), JSON.stringify(validate.errors));
    const Events = taskcluster.createClient(documents.get(path), 'HooksEvents');
    const { exchange, routingKeyPattern } = new Events({ rootUrl: 'https://example.com' }).hookCreated();
    assert.deepEqual([exchange, routingKeyPattern], ['exchange/taskcluster-hooks/v1/hook-created', '#']);
  });

  it('are described where they are declared, as the real client knows them', async () => {
    const facts = ({ type, name, exchange, routingKey, schema }: Document) => ({
      ...{ type, name, exchange, schema },
      routingKey: routingKey.map(({ summary: _, required, ...entry }: Document) => entry),
    });
    const { references: all } = await document('/references/manifest.json');
    for (const [service, name] of [
      ['hooks', 'HooksEvents'],
      ['auth', 'AuthEvents'],
      ['queue', 'QueueEvents'],
    ] as const) {
      const url = all.find((one: string) => one.endsWith(`/${service}/v1/exchanges.json`));
      const [ours, known] = [await document(url), await knownReference(name)];
      assert.equal(ours.exchangePrefix, known.exchangePrefix);
      // The queue has no artifacts.
      const expected = known.entries.filter((entry: Document) => entry.name !== 'artifactCreated');
      assert.deepEqual(ours.entries.map(facts), expected.map(facts));
      for (const { schema } of ours.entries) newAjv().compile(await document(`/schemas/${service}/${schema}`));
    }
  });
});

it('two schemas of one name are a mistake that is found', () => {
  const method = (name: string, type: string) => ({
    ...{ name, title: '', description: '', verb: 'GET', route: `/${name}`, output: { name: 'same', schema: { type } } },
  });
  const api = (...types: string[]): ApiDeclaration => ({
    service: 's',
    title: '',
    description: '',
    methods: types.map((type, index) => method(`m${index}`, type)) as ApiDeclaration['methods'],
  });
  describeApis([api('object', 'object')], '');
  assert.throws(
    () => describeApis([api('object', 'array')], ''),
    /two schemas are called \/schemas\/s\/v1\/same\.json/,
  );
});

it('a schema for input lets callers leave out what has a default, at any depth and by any name', () => {
  const schema = {
    type: 'object',
    required: ['a', 'default', 'inner'],
    properties: {
      a: { type: 'string', default: '' },
      default: { type: 'object', required: ['b', 'c'], properties: { b: { default: 1 }, c: {} } },
      inner: {
        type: 'array',
        items: { type: 'object', required: ['d'], properties: { d: { default: { required: ['x'] } } } },
      },
    },
    default: { a: '' },
  };
  const before = structuredClone(schema);
  const relaxed = inputSchema(schema) as Document;
  assert.deepEqual(relaxed.required, ['default', 'inner']);
  assert.deepEqual(relaxed.properties.default.required, ['c']);
  assert.deepEqual(relaxed.properties.inner.items.required, []);
  assert.deepEqual(relaxed.properties.inner.items.properties.d, { default: { required: ['x'] } });
  assert.deepEqual(schema, before);
});

it('docs/api.md has every method of the hooks service, with its route and scopes', async () => {
  const page = await readFile(new URL('../docs/api.md', import.meta.url), 'utf8');
  const section = page.split('\n## ').find((text) => text.startsWith('Methods of the hooks service')) ?? '';
  const rows = section.split('\n').filter((line) => /^\| `\w+` \| `[A-Z]+ \//.test(line));
  const { entries } = await reference('hooks');
  const expected = entries
    .filter(({ category }: Document) => category !== 'Monitoring')
    .map(({ name, method, route, scopes }: Document) => {
      const all = [scopes?.AllOf ?? scopes ?? []].flat().map((scope: string) => `\`${scope}\``);
      return `| \`${name}\` | \`${method.toUpperCase()} ${route}\` | ${all.join(' and ') || 'none'} |`;
    });
  assert.deepEqual(rows, expected);
});

describe('OpenAPI', () => {
  const openApi = (): Promise<Document> => document('/references/openapi.json');
  type Operation = { readonly path: string; readonly verb: string; readonly operation: Document };
  const operationsOf = ({ paths }: Document): Operation[] =>
    Object.entries(paths as Document).flatMap(([path, item]) =>
      Object.entries(item as Document).map(([verb, operation]) => ({ path, verb, operation })),
    );

  it('is a valid description of version 3.1', async () => {
    await installTestTools();
    const { Validator } = await import(requireTool.resolve('@seriousme/openapi-schema-validator'));
    const validator = new Validator();
    const { valid, errors } = await validator.validate(await openApi());
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(validator.version, '3.1');
    const broken = await openApi();
    delete broken.info.title;
    assert.equal((await new Validator().validate(broken)).valid, false, 'the judge can say no');
  });

  it('keeps the rules that no schema can say', async () => {
    const described = await openApi();
    const ids = operationsOf(described).map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length, 'each operation has an id of its own');
    for (const { path, operation } of operationsOf(described)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((one: Document) => one.in === 'path');
      assert.deepEqual(
        declared.map((one: Document) => one.name),
        inPath,
        path,
      );
      for (const { schema, required } of declared) {
        assert.equal(required, true);
        if (schema.pattern) new RegExp(schema.pattern, 'u');
      }
    }
    const text = JSON.stringify(described);
    for (const [, ref = ''] of text.matchAll(/"\$ref":"#([^"]*)"/g)) {
      const target = ref
        .split('/')
        .slice(1)
        .reduce((at: Document, name) => at?.[name], described);
      assert.ok(target, `${ref} leads nowhere`);
    }
  });

  it('has every method of every reference, and no other', async () => {
    const found = operationsOf(await openApi()).map(({ path, verb }) => `${verb} ${path}`);
    const { references: urls } = await document('/references/manifest.json');
    const apis = await Promise.all(urls.filter((url: string) => url.endsWith('/api.json')).map(document));
    const expected = apis.flatMap(({ serviceName: service, entries }: Document) =>
      entries.map(({ method, route }: Document) => `${method} /api/${service}/v1${route.replace(/<(\w+)>/g, '{$1}')}`),
    );
    assert.deepEqual(found.toSorted(), expected.toSorted());
  });

  it('says who may call, what may be refused, and how a refusal looks', async () => {
    const described = await openApi();
    const byId = new Map(operationsOf(described).map(({ operation }) => [operation.operationId, operation]));
    assert.deepEqual(byId.get('hooks_ping').security, []);
    assert.deepEqual(byId.get('hooks_triggerHook').security, [{ hawk: [] }]);
    assert.equal(byId.get('hooks_triggerHook')['x-scopes'], 'hooks:trigger-hook:<hookGroupId>/<hookId>');
    assert.deepEqual(byId.get('hooks_triggerHookWithToken').security, []);
    assert.equal(byId.get('hooks_getHookStatus').deprecated, true);
    assert.equal(described.components.securitySchemes.hawk.scheme, 'hawk');
    const refusal = (await get('/api/hooks/v1/hooks/g/h')).json;
    const validate = newAjv().compile(described.components.schemas.Error);
    assert.ok(validate(refusal), JSON.stringify(validate.errors));
  });
});
