// The worst bodies that a method can be sent: made from its declaration, for tests and the bench.
import { promisify } from 'node:util';
import { brotliCompress, constants, deflate, gzip } from 'node:zlib';
import type { ApiDeclaration, MethodDeclaration } from '../../src/http/api-method.ts';
import { BODY_LIMIT_BYTES } from '../../src/http/bodies/body.ts';
import { MOST_KEYS, MOST_VALUES } from '../../src/http/bodies/json-structure.ts';
import { echoHook, taskcluster } from './client.ts';

export type WorstBody = { readonly what: string; readonly text: string };

/** Leaves room for what stands around it. */
const MOST_BYTES = BODY_LIMIT_BYTES - 64 * 1024;
const MOST = MOST_VALUES - 200;

const zeros = (count: number) => `[${'0,'.repeat(count - 1)}0]`;
const keys = (count: number) => `{${Array.from({ length: count }, (_, n) => `"k${n}":0`).join(',')}}`;
const objects = (count: number) => `[${Array.from({ length: count }, (_, n) => `{"k${n}":0}`).join(',')}]`;
const texts = (count: number) => `[${Array.from({ length: count }, (_, n) => `"text-${n}"`).join(',')}]`;
const text = (unit: string) => `"${unit.repeat(Math.floor(MOST_BYTES / Buffer.byteLength(unit)))}"`;
const nested = (depth: number, inner = '') => '['.repeat(depth) + inner + ']'.repeat(depth);
const floats = (count: number) => `[${`${'9'.repeat(60)}.5e-7,`.repeat(count - 1)}0]`;

/** What no schema of a method admits, or that takes long before it is looked at. */
const WHOLE: Readonly<Record<string, () => string>> = {
  'five million zeros': () => zeros(5_000_000),
  'five million zeros in forty arrays': () => nested(40, zeros(5_000_000)),
  '499 arrays': () => nested(499),
  '499 arrays of zeros': () => nested(499, zeros(MOST - 1_000)),
  '700,000 keys': () => keys(700_000),
  'a text that is no JSON': () => `{"a": ${'x'.repeat(MOST_BYTES)}`,
};

/** As many and as large values of a type as the bounds of a body admit. */
const BY_TYPE: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  array: {
    zeros: () => zeros(MOST),
    'different objects': () => objects(MOST_KEYS - 100),
    'different texts': () => texts(MOST),
  },
  object: {
    keys: () => keys(MOST_KEYS - 100),
    'a text': () => `{"a":${text('x')}}`,
    'a text of escapes': () => `{"a":${text('\\u0007')}}`,
    'a text of four bytes each': () => `{"a":${text('😀')}}`,
    'a key': () => `{${text('k')}:0}`,
    numbers: () => `{"a":${floats(MOST / 4)}}`,
    'deep arrays': () => `{"a":${nested(490, zeros(MOST - 1_000))}}`,
  },
  string: { letters: () => text('t'), 'line breaks': () => text('\\n') },
};

let turns = 0;
const shapesFor = (type: string, isAll: boolean): [string, () => string][] => {
  const shapes = Object.entries(BY_TYPE[type] ?? {});
  if (isAll || shapes.length === 0) return shapes;
  turns += 1;
  return shapes.slice(turns % shapes.length).slice(0, 1);
};

type Properties = Readonly<Record<string, { readonly type?: string }>>;

/**
 * All that are bad in one way.
 *
 * @param valid a payload that the schema admits, in which one property after the other is replaced.
 * @param isAll whether each property gets all shapes of its type; otherwise one, by turns.
 */
export const worstBodies = ({ input }: MethodDeclaration, valid: object = {}, isAll = false): WorstBody[] => {
  const whole = Object.entries(WHOLE).map(([what, make]) => ({ what, text: make() }));
  if (!input) return whole;
  const { properties = {}, type } = input.schema as { properties?: Properties; type?: string };
  const free = Object.keys(properties).length === 0 ? { payload: { type: type ?? 'object' } } : properties;
  const parts = Object.entries(free).flatMap(([name, property]) =>
    shapesFor(property.type ?? 'array', isAll).map(([what, make]) => {
      const rest = JSON.stringify({ ...valid, [name]: undefined }).slice(1);
      return { what: `${name}: ${what}`, text: `{"${name}":${make()}${rest === '}' ? '' : ','}${rest}` };
    }),
  );
  return [...whole, ...parts];
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
const hook = () => echoHook({ task: { ...echoHook().task, payload: { said: { $eval: 'payload' } } } });
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
};

/** Hooks that are triggered are `g/h`, and those that change `g/worst`. */
export const worstPath = ({ service }: ApiDeclaration, { route, name: method }: MethodDeclaration, token: string) =>
  `/api/${service}/v1${route.replace(/<(\w+)>/g, (_, name: string) => {
    if (name === 'token') return token;
    if (name === 'hookId' && /(create|update|remove)Hook$/.test(method)) return 'worst';
    return PARAMS[name] ?? taskcluster.slugid();
  })}`;
