// Schemas and payloads for slowest-check.ts.

type Shape = (size: number) => unknown;

const times = <T>(size: number, make: (at: number) => T): T[] => Array.from({ length: size }, (_, at) => make(at));
const named = (size: number, make: (at: number) => unknown, prefix = 'k'): object =>
  Object.fromEntries(times(size, (at) => [`${prefix}${at}`, make(at)]));
const nested = (depth: number, wrap: (inner: unknown) => unknown, inner: unknown): unknown => {
  let value = inner;
  for (let level = 0; level < depth; level += 1) value = wrap(value);
  return value;
};

/** Each is wrong for most schemas; the argument says how large. */
export const SHAPES: readonly Shape[] = [
  (size) => times(size, () => 1),
  (size) => times(size, () => ''),
  (size) => times(size, () => ({})),
  (size) => times(size, () => []),
  (size) => times(size, (at) => `${at}`),
  (size) => times(size, (at) => ({ a: at, b: {} })),
  (size) => 'ab'.repeat(size),
  (size) => `${'a'.repeat(size)}!`,
  (size) => named(size, () => 1),
  (size) => named(size, () => [1, 'a', {}]),
  (size) => ({ ['/'.repeat(size)]: times(size, () => 1) }),
  (size) => ({ a: times(size, () => ({ a: 'b' })), b: times(size, () => ({})) }),
  (size) => ({ a: named(size, () => ({ b: 1 }), 'x/') }),
  (size) => nested(Math.min(size, 400), (inner) => [inner, 1], 1),
  (size) =>
    nested(
      Math.min(size, 400),
      (inner) => ({ a: inner }),
      times(Math.max(0, size - 400), () => 1),
    ),
  (size) =>
    nested(
      10,
      (inner) => [inner],
      times(size, () => ({ a: [1], b: 'x' })),
    ),
  (size) =>
    nested(
      10,
      (inner) => ({ 'x~/': inner }),
      times(size, () => 1),
    ),
];

const tree = (items: object) => ({
  $ref: '#/definitions/tree',
  definitions: { tree: { type: 'string', minLength: 1, ...items } },
});
const back = { $ref: '#/definitions/tree' };

export const HANDMADE: readonly { readonly name: string; readonly schema: object; readonly shape: Shape }[] = [
  ...[1, 2, 10, 40].map((count) => ({
    name: `items wrong in ${count} ways`,
    schema: { items: { allOf: times(count, () => ({ type: 'string' })) } },
    shape: (size: number) => times(size, () => 1),
  })),
  {
    name: 'items of none of 40 kinds',
    schema: { items: { anyOf: times(40, () => ({ type: 'string' })) } },
    shape: (size) => times(size, () => 1),
  },
  {
    name: 'items of all of 40 kinds',
    schema: { items: { oneOf: times(40, () => ({ type: 'number' })) } },
    shape: (size) => times(size, () => 1),
  },
  {
    name: 'names that are not allowed',
    schema: { additionalProperties: false },
    shape: (size) => named(size, () => 1),
  },
  {
    name: 'names with 20 patterns',
    schema: { patternProperties: named(20, () => ({ type: 'string' })) },
    shape: (size) => named(size, () => 1),
  },
  {
    name: 'names with 20 patterns, and no others',
    schema: { patternProperties: named(20, () => ({ type: 'string' }), 'k[0-9]*'), additionalProperties: false },
    shape: (size) => named(size, () => 1),
  },
  {
    name: 'lists below names',
    schema: { additionalProperties: { additionalProperties: { items: { type: 'string' } } } },
    shape: (size) => ({ '///': { '~~~': times(size, () => 1) } }),
  },
  {
    name: 'items 40 lists deep',
    schema: nested(40, (inner) => ({ items: inner }), { type: 'string' }) as object,
    shape: (size) =>
      nested(
        39,
        (inner) => [inner],
        times(size, () => 1),
      ),
  },
  { name: 'unique objects', schema: { uniqueItems: true }, shape: (size) => times(size, (at) => ({ at, b: {} })) },
  {
    name: 'unique lists',
    schema: nested(40, (inner) => ({ uniqueItems: true, items: inner }), {}) as object,
    shape: (size) =>
      nested(
        39,
        (inner) => [inner],
        times(size, (at) => [at]),
      ),
  },
  { name: 'unique numbers', schema: { uniqueItems: true }, shape: (size) => times(size, (at) => at) },
  { name: 'a tree of lists', schema: tree({ items: back }), shape: (size) => times(size, () => 1) },
  {
    name: 'a deep tree of lists',
    schema: tree({ items: back }),
    shape: (size) => nested(size, (inner) => [inner, 1], 1),
  },
  {
    name: 'a deep tree of names',
    schema: tree({ additionalProperties: back }),
    shape: (size) => nested(size, (inner) => ({ '/': inner }), 1),
  },
  {
    name: 'a tree of unique lists',
    schema: tree({ items: back, uniqueItems: true }),
    shape: (size) => nested(size, (inner) => [inner, []], 1),
  },
  {
    name: 'calls for each item',
    schema: {
      definitions: { a: { type: 'string' }, b: { allOf: [{ $ref: '#/definitions/a' }] } },
      items: { $ref: '#/definitions/b' },
    },
    shape: (size) => times(size, () => 1),
  },
  {
    name: 'a pattern of 1,800 instructions',
    schema: { pattern: '[ab]{0,890}[^ab]' },
    shape: (size) => 'ab'.repeat(size),
  },
  {
    name: 'a pattern of 200 instructions',
    schema: { pattern: '[ab]{0,90}[^ab]\\b' },
    shape: (size) => 'ab'.repeat(size),
  },
  { name: 'a pattern of choices', schema: { pattern: '(a|ab|b|ba){50}c' }, shape: (size) => 'ab'.repeat(size) },
  { name: 'a pattern for each item', schema: { items: { pattern: '^refs/' } }, shape: (size) => times(size, () => '') },
  { name: 'a uri', schema: { format: 'uri' }, shape: (size) => `http://${'~00'.repeat(size)}\n` },
  { name: 'formats of items', schema: { items: { format: 'date-time' } }, shape: (size) => times(size, () => 'T') },
  {
    name: 'one of 1,000 words',
    schema: { items: { enum: times(1_000, (at) => `word ${at}`) } },
    shape: (size) => times(size, () => 'word'),
  },
  {
    name: 'one of 200 objects',
    schema: { items: { enum: times(200, (at) => ({ same: 'x', at })) } },
    shape: (size) => times(size, () => ({ same: 'x', at: -1 })),
  },
  {
    name: 'required names',
    schema: { items: { required: times(200, (at) => `name ${at}`) } },
    shape: (size) => times(size, () => ({})),
  },
  {
    name: 'defaults of items',
    schema: { items: { properties: named(30, () => ({ default: { x: [1, 2] } })) } },
    shape: (size) => times(size, () => ({})),
  },
  {
    name: 'defaults that are wrong',
    schema: { items: { properties: named(30, () => ({ type: 'string', default: 1 })) } },
    shape: (size) => times(size, () => ({})),
  },
  {
    name: 'unevaluated names',
    schema: {
      $schema: 'https://json-schema.org/draft/2019-09/schema',
      anyOf: times(10, () => ({ patternProperties: { k: {} } })),
      unevaluatedProperties: false,
    },
    shape: (size) => named(size, () => 1),
  },
  {
    name: '150 properties',
    schema: { properties: named(150, () => ({ type: 'string' })) },
    shape: () => named(150, () => 1),
  },
  {
    name: '100 patterns',
    schema: { properties: named(100, (at) => ({ pattern: `^v${at}` })) },
    shape: () => named(100, () => ''),
  },
  {
    name: 'definitions put in 50 times',
    schema: {
      definitions: { big: { properties: named(3, () => ({ type: 'string' })) } },
      allOf: times(50, () => ({ $ref: '#/definitions/big' })),
    },
    shape: () => named(3, () => 1),
  },
];

const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
const few = <T>(make: () => T): T[] => times(1 + Math.floor(Math.random() * 4), make);
const PATTERNS = ['a', '^a', 'a$', '[ab]{0,90}[^ab]', '(a|b|ab)*c', '^[a-z]+$', '(a?b?){20}$', '\\d{1,9}', '.*x', '/'];
const FORMATS = ['date-time', 'email', 'uri', 'hostname', 'ipv6', 'uri-template', 'json-pointer', 'duration'];

const KEYWORDS: Readonly<Record<string, (depth: number) => object>> = {
  type: () => ({ type: pick(['string', 'object', 'array', 'number', 'null', ['string', 'null']]) }),
  length: () => ({ minLength: 99_999, maxLength: 0 }),
  number: () => ({ minimum: 9, multipleOf: 7 }),
  count: () => ({ minItems: 999_999, maxProperties: 0 }),
  required: () => ({ required: few(() => `r${Math.random()}`) }),
  enum: () => ({ enum: [{ a: 7 }, 'no', [1, 2]] }),
  const: () => ({ const: { a: 'x', b: { c: 1 } } }),
  unique: () => ({ uniqueItems: true }),
  pattern: () => ({ pattern: pick(PATTERNS) }),
  format: () => ({ format: pick(FORMATS) }),
  properties: (depth) => ({ properties: { a: below(depth), b: below(depth), k1: { default: 1, ...below(depth) } } }),
  names: (depth) => ({ patternProperties: { [pick(PATTERNS)]: below(depth) } }),
  others: (depth) => ({ additionalProperties: below(depth) }),
  nameRule: (depth) => ({ propertyNames: below(depth) }),
  items: (depth) => ({ items: below(depth) }),
  tuple: (depth) => ({ items: few(() => below(depth)), additionalItems: below(depth) }),
  contains: (depth) => ({ contains: below(depth) }),
  choice: (depth) => ({ [pick(['anyOf', 'oneOf', 'allOf'])]: few(() => below(depth)) }),
  not: (depth) => ({ not: below(depth) }),
  if: (depth) => ({ if: below(depth), then: below(depth), else: below(depth) }),
  dependencies: (depth) => ({ dependencies: { a: ['x', 'y'], b: below(depth) } }),
  reference: () => ({ $ref: pick(['#/definitions/d0', '#/definitions/d1', '#/definitions/d2', '#']) }),
};

const below = (depth: number): object =>
  depth === 0
    ? pick([{ type: 'string' }, {}, { type: 'null', minLength: 9 }, { $ref: '#/definitions/d0' }])
    : Object.assign({}, ...few(() => (KEYWORDS[pick(Object.keys(KEYWORDS))] as (depth: number) => object)(depth - 1)));

export const randomSchema = (): object => ({
  ...below(1 + Math.floor(Math.random() * 5)),
  definitions: { d0: below(1), d1: below(2), d2: below(3) },
});
