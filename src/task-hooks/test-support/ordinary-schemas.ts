// Trigger schemas of the kinds that deployments have: a build that is asked for, and actions on the
// tasks of a push, which come with what their decision task knew.

const TASK_ID = '^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$';
const text = { type: 'string' } as const;
const labels = { type: 'array', items: { type: 'string', maxLength: 128 }, maxItems: 200, uniqueItems: true } as const;

/** Decision tasks give such hooks all of this; `input` is the action's own. */
const actionWith = (input: object): object => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: {
    decision: {
      type: 'object',
      properties: {
        action: {
          type: 'object',
          properties: { name: text, title: text, description: text, taskGroupId: text, symbol: text, cb_name: text },
          required: ['name', 'title', 'description', 'taskGroupId', 'symbol', 'cb_name'],
          additionalProperties: false,
        },
        push: {
          type: 'object',
          properties: { owner: text, pushlog_id: text, revision: { ...text, pattern: '^[0-9a-f]{40}$' } },
          required: ['owner', 'revision'],
          additionalProperties: false,
        },
        repository: {
          type: 'object',
          properties: {
            url: { type: 'string', format: 'uri' },
            project: text,
            level: { anyOf: [{ type: 'integer', minimum: 1, maximum: 3 }, { enum: ['1', '2', '3'] }] },
          },
          required: ['url', 'project', 'level'],
          additionalProperties: false,
        },
        parameters: { type: 'object', additionalProperties: true },
      },
      required: ['action', 'push', 'repository', 'parameters'],
    },
    input,
    taskId: { anyOf: [{ type: 'string', pattern: TASK_ID }, { type: 'null' }] },
    taskGroupId: { type: 'string', pattern: TASK_ID },
    user: { type: 'object', properties: { email: { type: 'string', format: 'email' } } },
  },
  required: ['decision', 'input', 'taskId', 'taskGroupId'],
  additionalProperties: false,
});

const flag = (description: string) => ({ type: 'boolean', default: false, description });
const described = (description: string) => ({ type: 'string', default: '', description });

export const ORDINARY_SCHEMAS: Readonly<Record<string, object>> = {
  'a build of a branch': {
    type: 'object',
    additionalProperties: false,
    required: ['ref'],
    properties: {
      ref: { type: 'string', minLength: 1, maxLength: 255, pattern: '^refs/' },
      level: { type: 'integer', minimum: 1, maximum: 3 },
      debug: { type: 'boolean', default: false },
      labels: { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 20, uniqueItems: true },
      requestedAt: { type: 'string', format: 'date-time' },
      env: { type: 'object', additionalProperties: text },
    },
  },
  'an action without an input': actionWith({ type: 'null' }),
  'to run tasks again': actionWith({
    type: 'object',
    properties: {
      downstream: flag('Also run what depends on the task.'),
      times: { type: 'integer', default: 1, minimum: 1, maximum: 100 },
      only: { oneOf: [{ enum: ['all', 'failed'] }, { type: 'array', items: { pattern: TASK_ID }, uniqueItems: true }] },
    },
    additionalProperties: false,
  }),
  'to add tasks to a push': actionWith({
    type: 'object',
    properties: {
      tasks: { type: 'array', items: { type: 'string' }, uniqueItems: true, minItems: 1 },
      times: { type: 'integer', default: 1 },
    },
    required: ['tasks'],
  }),
  'to run a test on earlier pushes': actionWith({
    type: 'object',
    properties: {
      depth: { type: 'integer', default: 9, minimum: 1, maximum: 25, title: 'How many pushes' },
      inclusive: flag('Also on the push itself.'),
      testPath: { type: 'string', pattern: '^[\\w./-]{1,200}$' },
      platforms: { type: 'array', uniqueItems: true, items: { enum: ['linux', 'macosx', 'windows', 'android'] } },
    },
    patternProperties: { '^x-': {} },
    additionalProperties: false,
  }),
  'to ship a release': actionWith({
    type: 'object',
    properties: {
      build_number: {
        type: 'integer',
        default: 1,
        minimum: 1,
        title: 'The build',
        description: 'From 1 for each version.',
      },
      flavor: {
        type: 'string',
        default: 'promote',
        enum: ['promote', 'push', 'ship', 'promote_rc', 'ship_rc', 'partners'],
      },
      previous_graph_ids: { type: 'array', items: { type: 'string', pattern: TASK_ID }, uniqueItems: true },
      rebuild_kinds: { type: 'array', default: ['signing', 'docker-image'], items: text },
      do_not_optimize: labels,
      revision: { type: 'string', title: 'The revision to promote', description: 'By default that of the push.' },
      version: described('Overrides the version of the tree. '.repeat(20)),
      next_version: described('Needed by flavors that bump it. '.repeat(20)),
      release_eta: described('When it is to be out. '.repeat(20)),
      partial_updates: {
        type: 'object',
        default: {},
        description: 'From which builds there are updates, with their locales. '.repeat(20),
        additionalProperties: {
          type: 'object',
          properties: { buildNumber: { type: 'number' }, locales: { type: 'array', items: text } },
          required: ['buildNumber', 'locales'],
          additionalProperties: false,
        },
      },
      partners: { type: 'array', items: text },
      partner_config: { type: 'object', properties: {}, additionalProperties: true },
      repack: flag('Make repacks for partners. '.repeat(20)),
      attribution: flag('Mark what partners get. '.repeat(20)),
      required_signoffs: { type: 'array', items: { enum: ['mar', 'release-engineering', 'product'] } },
      signoff_urls: {
        type: 'object',
        default: {},
        properties: { mar: text, product: text },
        additionalProperties: false,
      },
    },
    required: ['flavor', 'build_number'],
    if: { properties: { flavor: { const: 'partners' } } },
    then: { required: ['partners'] },
  }),
  'a push that a forge tells of': {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $defs: {
      user: { type: 'object', properties: { name: text, email: { anyOf: [{ format: 'email' }, { type: 'null' }] } } },
      commit: {
        type: 'object',
        properties: {
          id: { type: 'string', pattern: '^[0-9a-f]{40}$' },
          message: text,
          timestamp: { type: 'string', format: 'date-time' },
          author: { $ref: '#/$defs/user' },
          added: { type: 'array', items: text },
          removed: { type: 'array', items: text },
        },
        required: ['id', 'message'],
      },
    },
    type: 'object',
    properties: {
      ref: { type: 'string', pattern: '^refs/(heads|tags)/.{1,200}$' },
      commits: { type: 'array', items: { $ref: '#/$defs/commit' } },
      pusher: { $ref: '#/$defs/user' },
      repository: {
        type: 'object',
        properties: { full_name: text, private: { const: false } },
        required: ['full_name'],
      },
    },
    required: ['ref', 'commits'],
    not: { required: ['deleted'], properties: { deleted: { const: true } } },
  },
};
