// The worst bodies that a method can be sent: made from its declaration, for tests and the bench.
import { promisify } from 'node:util';
import { brotliCompress, constants, deflate, gzip } from 'node:zlib';
import type { ApiDeclaration, MethodDeclaration } from '../../src/http/api-method.ts';
import { BODY_LIMIT_BYTES, SMALL_BODY_BYTES } from '../../src/http/bodies/body.ts';
import { MOST_KEYS, MOST_VALUES } from '../../src/http/bodies/json-structure.ts';
import { echoHook, taskcluster } from './client.ts';

export type WorstBody = { readonly what: string; readonly text: string };

const MOST = MOST_VALUES - 200;

const zeros = (count: number) => `[${'0,'.repeat(count - 1)}0]`;
const keys = (count: number) => `{${Array.from({ length: count }, (_, n) => `"k${n}":0`).join(',')}}`;
const objects = (count: number) => `[${Array.from({ length: count }, (_, n) => `{"k${n}":0}`).join(',')}]`;
const texts = (count: number) => `[${Array.from({ length: count }, (_, n) => `"text-${n}"`).join(',')}]`;
const text = (unit: string, bytes: number) => `"${unit.repeat(Math.floor(bytes / Buffer.byteLength(unit)))}"`;
const nested = (depth: number, inner = '') => '['.repeat(depth) + inner + ']'.repeat(depth);
const floats = (count: number) => `[${`${'9'.repeat(60)}.5e-7,`.repeat(count - 1)}0]`;

/** What no schema of a method admits, or that takes long before it is looked at. */
const WHOLE: Readonly<Record<string, () => string>> = {
  'five million zeros': () => zeros(5_000_000),
  'five million zeros in forty arrays': () => nested(40, zeros(5_000_000)),
  '499 arrays': () => nested(499),
  '499 arrays of zeros': () => nested(499, zeros(MOST - 1_000)),
  '700,000 keys': () => keys(700_000),
  'ten million blanks': () => `${' '.repeat(BODY_LIMIT_BYTES - 64 * 1024)}{}`,
  'a text that is no JSON': () => `{"a": ${'x'.repeat(BODY_LIMIT_BYTES - 64 * 1024)}`,
};

/** As many and as large values of a type as the bounds of a body admit, in so many bytes. */
const BY_TYPE: Readonly<Record<string, Readonly<Record<string, (bytes: number) => string>>>> = {
  array: {
    zeros: (bytes) => zeros(Math.min(MOST, bytes / 2)),
    'different objects': (bytes) => objects(Math.min(MOST_KEYS - 100, bytes / 14)),
    'different texts': (bytes) => texts(Math.min(MOST, bytes / 14)),
  },
  object: {
    keys: (bytes) => keys(Math.min(MOST_KEYS - 100, bytes / 11)),
    'a text': (bytes) => `{"a":${text('x', bytes)}}`,
    'a text of escapes': (bytes) => `{"a":${text('\\u0007', bytes)}}`,
    'a text of half characters': (bytes) => `{"a":${text('\\ud800', bytes)}}`,
    'a text of four bytes each': (bytes) => `{"a":${text('😀', bytes)}}`,
    'a key': (bytes) => `{${text('k', bytes)}:0}`,
    numbers: (bytes) => `{"a":${floats(Math.min(MOST / 4, bytes / 70))}}`,
    'deep arrays': (bytes) => `{"a":${nested(490, zeros(Math.min(MOST - 1_000, bytes / 2)))}}`,
  },
  string: {
    letters: (bytes) => text('t', bytes),
    'line breaks': (bytes) => text('\\n', bytes),
    'a word of Hoon': (bytes) => `"/+  ${'t'.repeat(bytes - 8)}"`,
  },
};
const ANY_SHAPE = Object.assign({}, ...Object.values(BY_TYPE));

let turns = 0;
const shapesFor = (type: string | undefined, isAll: boolean): [string, (bytes: number) => string][] => {
  const shapes = Object.entries<(bytes: number) => string>(BY_TYPE[type ?? ''] ?? ANY_SHAPE);
  if (isAll) return shapes;
  turns += 1;
  return shapes.slice(turns % shapes.length).slice(0, 1);
};

type Properties = Readonly<Record<string, { readonly type?: string }>>;

/**
 * All that are bad in one way, in so many bytes as the method takes.
 *
 * @param isAll whether each property gets all shapes of its type; otherwise one, by turns.
 */
export const worstBodies = (service: string, method: MethodDeclaration, isAll = false): WorstBody[] => {
  const { input, largestBody = SMALL_BODY_BYTES } = method;
  const whole = Object.entries(WHOLE).map(([what, make]) => ({ what, text: make() }));
  if (!input) return whole;
  const { properties = {}, type = 'object' } = input.schema as { properties?: Properties; type?: string };
  const free = Object.keys(properties).length === 0 ? { payload: { type } } : properties;
  const rest = (name: string) => JSON.stringify({ ...validPayload(method.name), [name]: undefined }).slice(1);
  const around = Object.entries(free).map(([name, property]) => ({
    ...{ name, type: property.type },
    before: `{"${name}":`,
    after: `${rest(name) === '}' ? '' : ','}${rest(name)}`,
  }));
  return [...whole, ...fill([...around, ...(DEEPER[`${service}.${method.name}`] ?? [])], largestBody, isAll)];
};

type Around = {
  readonly name: string;
  readonly type?: string | undefined;
  readonly before: string;
  readonly after: string;
};

const fill = (places: readonly Around[], largest: number, isAll: boolean): WorstBody[] =>
  places.flatMap(({ name, type, before, after }) =>
    shapesFor(type, isAll).map(([what, make]) => {
      const room = largest - Buffer.byteLength(before + after) - 1024;
      return { what: `${name}: ${what}`, text: `${before}${make(room)}${after}` };
    }),
  );

const hook = () => echoHook({ task: { ...echoHook().task, payload: { said: { $eval: 'payload' } } } });

const HOLE = 'anything of the worst';
/** With what is worst in the place of HOLE. */
const hole = (name: string, value: unknown, type?: string): Around => {
  const [before = '', after = ''] = JSON.stringify(value).split(`"${HOLE}"`);
  return { name, type, before, after };
};
const inSchema = (name: string, triggerSchema: object) => hole(name, { ...hook(), triggerSchema }, 'string');
const inSchemas = () => [
  inSchema('a name in the trigger schema', { properties: { [HOLE]: { const: 1 } } }),
  inSchema('a required name', { required: [HOLE] }),
];

const [FLAG, NEST, POST] = ['~zod/club', 'chat/~zod/lounge', '170141184507313431682019536779450777600'];
const memo = { content: HOLE, author: '~zod', sent: 1 };
const inChannel = (action: unknown) => ({ channels: { channel: { nest: NEST, action } } });
const inGroup = (diff: unknown) => ({ groups: { flag: FLAG, update: { diff } } });
/** What a ship does. */
const ACTS: Readonly<Record<string, object>> = {
  post: inChannel({ post: { add: { ...memo, 'kind-data': { chat: null } } } }),
  reply: inChannel({ post: { reply: { id: POST, action: { add: memo } } } }),
  reaction: inChannel({ post: { 'add-react': { id: POST, ship: '~zod', react: HOLE } } }),
  order: inChannel({ order: HOLE }),
  writers: inChannel({ 'add-writers': HOLE }),
  channel: {
    channels: {
      create: { kind: 'chat', name: 'x', group: FLAG, title: HOLE, description: '', readers: [], writers: [] },
    },
  },
  group: inGroup({ create: HOLE }),
  'meta of a group': inGroup({ meta: HOLE }),
  ships: inGroup({ fleet: { ships: HOLE, diff: { add: null } } }),
  ranks: inGroup({ cordon: { open: { 'add-ships': HOLE } } }),
  message: { dm: { ship: '~nec', diff: { id: `~zod/${POST}`, delta: { add: { memo, kind: null, time: null } } } } },
  club: {
    club: {
      id: '0v4.00000.qd4mk.d4htu.er4b8.eao21',
      diff: { uid: '0v0', delta: { init: { team: HOLE, hive: [], met: [], net: 'invited' } } },
    },
  },
  profile: { contacts: { self: HOLE } },
  activity: { activity: HOLE },
};
const script = { name: 'worst', src: 'module.exports = (event) => ({ event: { allowed: event } })' };
const DEEPER: Readonly<Record<string, readonly Around[]>> = {
  'hooks.createHook': inSchemas(),
  'hooks.updateHook': inSchemas(),
  'community.act': Object.entries(ACTS).map(([name, act]) => hole(name, act)),
  'script-hooks.act': [
    hole('a source', { add: { ...script, src: HOLE } }),
    hole('a name', { add: { ...script, name: HOLE } }),
    hole('the image of meta', { edit: { id: '0v1', meta: { title: '', description: '', image: HOLE, cover: '' } } }),
    hole('an order', { order: { nest: NEST, seq: HOLE } }),
    hole('settings', { config: { id: '0v1', nest: NEST, config: HOLE } }),
    hole('a schedule', { cron: { id: '0v1', origin: null, schedule: HOLE } }),
    hole('cron patterns', { cron: { id: '0v1', origin: null, schedule: { cron: HOLE } } }),
  ],
};

/** What a ship asks of the agents of the airlock, as bodies of a channel of at most that size. */
export const worstPokes = (largest: number, isAll = false): WorstBody[] => {
  const poke = (name: string, app: string, mark: string, json: unknown) =>
    hole(name, [{ id: 1, action: 'poke', ship: 'zod', app, mark, json }]);
  const plain = Object.entries(MARKS).flatMap(([app, marks]) => marks.map((mark) => poke(mark, app, mark, HOLE)));
  const essay = { ...memo, kind: '/chat', meta: null, blob: null };
  const deep = [
    poke('a post', 'channels', 'channel-action-2', { channel: { nest: NEST, action: { post: { add: essay } } } }),
    poke('a message', 'chat', 'chat-dm-action-2', {
      ship: '~nec',
      diff: { id: `~zod/${POST}`, delta: { add: { essay, time: null } } },
    }),
    poke('a setting', 'settings', 'settings-event', {
      'put-entry': { desk: 'd', 'bucket-key': 'b', 'entry-key': 'e', value: HOLE },
    }),
    poke('a profile', 'contacts', 'contact-action-1', { self: HOLE }),
    poke('settings of a hook', 'channels-server', 'hook-action-0', { config: { id: '0v1', nest: NEST, config: HOLE } }),
    poke('ships of a group', 'groups', 'group-action-4', {
      group: { flag: FLAG, 'a-group': { seat: { ships: HOLE, 'a-seat': { add: null } } } },
    }),
    hole('no poke', HOLE),
    hole('a path', [{ id: 1, action: 'subscribe', ship: 'zod', app: 'channels', path: HOLE }]),
  ];
  const many = Array.from({ length: 1_000 }, (_, n) => ({
    id: n + 1,
    action: 'poke',
    ship: 'zod',
    app: 'hood',
    mark: 'x',
    json: {},
  }));
  return [...fill([...plain, ...deep], largest, isAll), { what: 'a thousand pokes', text: JSON.stringify(many) }];
};

const MARKS: Readonly<Record<string, readonly string[]>> = {
  'channels-server': ['hook-action-0'],
  groups: ['group-action-4', 'group-action-3', 'group-join'],
  channels: ['channel-action-2', 'channel-action'],
  chat: ['chat-dm-action-2', 'chat-club-action-2', 'chat-dm-rsvp'],
  activity: ['activity-action-2', 'activity-action'],
  contacts: ['contact-action-1', 'contact-action'],
  'groups-ui': ['ui-action', 'ui-hide-contact', 'ui-add-contact-suggestions'],
  settings: ['settings-event'],
};

const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const COMPRESS = {
  gzip: (bytes: string) => promisify(gzip)(bytes, { level: 1 }),
  deflate: (bytes: string) => promisify(deflate)(bytes, { level: 1 }),
  br: (bytes: string) => promisify(brotliCompress)(bytes, fast),
};
const CODINGS = Object.keys(COMPRESS) as (keyof typeof COMPRESS)[];

/** The `n`th body of a test, in one of the codings by turns. */
export const compressed = async (text: string, n: number) => {
  const coding = CODINGS[n % CODINGS.length] ?? 'gzip';
  return { body: await COMPRESS[coding](text), headers: { 'content-encoding': coding } };
};

const metadata = { name: 'n', description: '', owner: 'o@example.com', source: 'https://example.com/' };
const inDays = (days: number): string => taskcluster.fromNowJSON(`${days} days`);
const VALID: Readonly<Record<string, () => object>> = {
  createHook: hook,
  updateHook: hook,
  renderDefinition: () => ({ hookGroupId: 'g', hookId: 'h', definition: hook() }),
  renderLast: () => ({ definition: hook() }),
  whyNot: () => ({ exchange: 'exchange/x', routingKey: 'a' }),
  createTask: () => ({ taskQueueId: 'p/w', created: inDays(0), deadline: inDays(1), payload: {}, metadata }),
  createClient: () => ({ expires: inDays(1), description: '', scopes: [] }),
  updateClient: () => ({ expires: inDays(1), description: '', scopes: [] }),
  createRole: () => ({ description: '', scopes: [] }),
  updateRole: () => ({ description: '', scopes: [] }),
  authenticateHawk: () => ({ method: 'get', resource: '/', host: 'localhost', port: 80 }),
  claimWork: () => ({ tasks: 1, workerGroup: 'g', workerId: 'w' }),
  setUpTemplate: () => ({ from: NEST, hooks: {}, order: [], crons: [] }),
  tryScript: () => ({ nest: NEST, src: script.src }),
};

/** A payload that the schema of a method admits. */
export const validPayload = (method: string): object => VALID[method]?.() ?? {};

const PARAMS: Readonly<Record<string, string>> = {
  hookGroupId: 'g',
  hookId: 'h',
  clientId: 'c',
  roleId: 'r',
  taskQueueId: 'p%2Fw',
  runId: '0',
  exchange: 'exchange%2Fx',
  seq: '1',
  watchId: 'w'.repeat(44),
  ...{
    ship: '~zod',
    whom: '~nec',
    other: '~nec',
    kip: '~nec',
    scriptId: '0v1',
    postId: POST,
    messageId: `~zod/${POST}`,
  },
  ...{ flag: '~zod%2Fclub', nest: 'chat%2F~zod%2Flounge' },
};

/** Hooks that are triggered are `g/h`, and those that change `g/worst`. */
export const worstPath = ({ service }: ApiDeclaration, { route, name: method }: MethodDeclaration, token: string) =>
  `/api/${service}/v1${route.replace(/<(\w+)>/g, (_, name: string) => {
    if (name === 'token') return token;
    if (name === 'hookId' && /(create|update|remove)Hook$/.test(method)) return 'worst';
    return PARAMS[name] ?? taskcluster.slugid();
  })}`;
