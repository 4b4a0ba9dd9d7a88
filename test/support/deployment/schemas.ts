// The shapes of the bodies that a stand-in takes. The client package has only their names; the
// shapes are those of the schemas that Auth, Queue and Notify publish.
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';

const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false });
(addFormats as unknown as (instance: Ajv) => void)(ajv);

const closed = (required: readonly string[], properties: object) => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
});
const text = (more: object = {}) => ({ type: 'string', ...more });
const list = (items: object, more: object = {}) => ({ type: 'array', items, ...more });
const SLUG = '^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$';
const slug = text({ pattern: SLUG });
const name38 = text({ pattern: '^[a-zA-Z0-9-_]{1,38}$' });
const date = text({ format: 'date-time' });
const WORKER_TYPE = '[a-z]([-a-z0-9]{0,36}[a-z0-9])?';
const VERBS = ['get', 'post', 'put', 'head', 'delete', 'options', 'trace', 'connect', 'patch'];

const SCHEMAS: Readonly<Record<string, object>> = {
  'auth/v1/authenticate-hawk-request.json#': closed(['method', 'resource', 'host', 'port'], {
    method: { enum: VERBS },
    resource: text(),
    host: { anyOf: [text({ format: 'hostname' }), text({ format: 'ipv4' })] },
    port: { type: 'integer', minimum: 0, maximum: 65_535 },
    authorization: text(),
    sourceIp: { anyOf: [text({ format: 'ipv4' }), text({ format: 'ipv6' })] },
  }),
  'auth/v1/scopeset.json#': closed([], { scopes: list(text({ pattern: '^[\\x20-\\x7e]*$' })) }),
  'queue/v1/create-task-request.json#': closed(['created', 'deadline', 'payload', 'metadata'], {
    provisionerId: name38,
    workerType: text({ pattern: `^${WORKER_TYPE}$` }),
    taskQueueId: text({ pattern: `^[a-zA-Z0-9-_]{1,38}/${WORKER_TYPE}$` }),
    schedulerId: { ...name38, default: '-' },
    projectId: text({ pattern: '^[a-zA-Z0-9._/-]{1,500}$', default: 'none' }),
    taskGroupId: slug,
    dependencies: list(slug, { uniqueItems: true, maxItems: 10_000, default: [] }),
    requires: { enum: ['all-completed', 'all-resolved'], default: 'all-completed' },
    routes: list(text({ minLength: 1, maxLength: 249 }), { uniqueItems: true, maxItems: 64, default: [] }),
    priority: { enum: ['highest', 'very-high', 'high', 'medium', 'low', 'very-low', 'lowest'], default: 'lowest' },
    retries: { type: 'integer', minimum: 0, maximum: 49, default: 5 },
    created: date,
    deadline: date,
    expires: date,
    scopes: list(text({ pattern: '^[\\x20-\\x7e]*$' }), { default: [] }),
    payload: { type: 'object' },
    metadata: closed(['name', 'description', 'owner', 'source'], {
      name: text({ maxLength: 255 }),
      description: text({ maxLength: 32_768 }),
      owner: text({ maxLength: 255 }),
      source: text({ maxLength: 4_096, pattern: '^(https?://|ssh://|git@)' }),
    }),
    tags: { type: 'object', additionalProperties: text({ maxLength: 4_096 }), default: {} },
    extra: { type: 'object', default: {} },
  }),
  'queue/v1/tasks-request.json#': closed([], { taskIds: list(slug, { default: [] }) }),
  'notify/v1/email-request.json#': closed(['address', 'subject', 'content'], {
    address: text({ format: 'email' }),
    subject: text({ minLength: 1, maxLength: 255 }),
    content: text({ minLength: 1, maxLength: 102_400 }),
    link: closed(['text', 'href'], { text: text({ minLength: 1, maxLength: 40 }), href: text({ format: 'uri' }) }),
    replyTo: text({ format: 'email' }),
    template: { enum: ['simple', 'fullscreen'] },
  }),
};

/** What is wrong with the body, which gets its defaults; undefined: nothing. */
export const checkBody = (service: string, input: string, body: unknown): string | undefined => {
  const schema = SCHEMAS[`${service}/${input}`];
  if (!schema) throw new Error(`the stand-in has no schema ${service}/${input}`);
  const validate = ajv.compile(schema);
  return validate(body) ? undefined : ajv.errorsText(validate.errors);
};
