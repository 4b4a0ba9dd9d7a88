// Where Ajv's own code takes time that grows with the square of a payload, or calls what a payload
// brings: the comparing keywords, and the escaping of names in the paths of errors.
import { _, type Ajv, type CodeKeywordDefinition, type KeywordCxt, str } from 'ajv';
import { canonicalJson, sameJson } from '../../../core/json.ts';

/** For all that Ajv compiles after it. Use it with `processCode`. */
export const replaceKeywords = <A extends Ajv>(ajv: A): A => {
  for (const definition of [UNIQUE_ITEMS, CONST, ENUM]) {
    ajv.removeKeyword(definition.keyword as string);
    ajv.addKeyword(definition);
  }
  return Object.assign(ajv, { escapedName, joined });
};

/** Ajv's compares each item with each other. */
const UNIQUE_ITEMS: CodeKeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  error: {
    message: ({ params: { i, j } }) => str`must NOT have duplicate items (items ## ${j} and ${i} are identical)`,
    params: ({ params: { i, j } }) => _`{i: ${i}, j: ${j}}`,
  },
  code: (cxt) => {
    if (!cxt.schema) return;
    const pair = cxt.gen.const('pair', _`${call(cxt, findEqualItems)}(${cxt.data})`);
    cxt.setParams({ i: _`${pair}.i`, j: _`${pair}.j` });
    cxt.fail(_`${pair} !== undefined`);
  },
};

/** The last item that is equal to one before it, and the nearest of those. */
const findEqualItems = (items: readonly unknown[]): { i: number; j: number } | undefined => {
  const [scalars, others] = [new Map<unknown, number>(), new Map<unknown, number>()];
  let found: { i: number; j: number } | undefined;
  for (const [i, item] of items.entries()) {
    const isScalar = typeof item !== 'object' || item === null;
    const [seen, key] = isScalar ? [scalars, item] : [others, canonicalJson(item)];
    const j = seen.get(key);
    if (j !== undefined) found = { i, j };
    seen.set(key, i);
  }
  return found;
};

/** Ajv's calls `valueOf` and `toString` of a payload that has such a property. */
const CONST: CodeKeywordDefinition = {
  keyword: 'const',
  error: {
    message: 'must be equal to constant',
    params: ({ schemaCode }) => _`{allowedValue: ${schemaCode}}`,
  },
  code: (cxt) => cxt.fail(_`!${call(cxt, sameJson)}(${cxt.data}, ${cxt.schemaCode})`),
};

const ENUM: CodeKeywordDefinition = {
  keyword: 'enum',
  schemaType: 'array',
  error: {
    message: 'must be equal to one of the allowed values',
    params: ({ schemaCode }) => _`{allowedValues: ${schemaCode}}`,
  },
  code: (cxt) => {
    if (cxt.schema.length === 0) throw new Error('enum must have non-empty array');
    cxt.fail(_`!${call(cxt, isAmong(cxt.schema))}(${cxt.data})`);
  },
};

const isAmong = (allowed: readonly unknown[]): ((value: unknown) => boolean) => {
  const isScalar = (value: unknown) => typeof value !== 'object' || value === null;
  const scalars = new Set(allowed.filter(isScalar));
  const others = allowed.filter((value) => !isScalar(value));
  return (value) => scalars.has(value) || others.some((other) => sameJson(value, other));
};

const call = ({ gen }: KeywordCxt, ref: unknown) => gen.scopeValue('func', { ref });

/**
 * Ajv's `code.process`. Each error has the path to its value, and Ajv escapes all names of the path
 * again for each: 5,000 slashes in a name take some 0.5 ms each time. And it copies all errors
 * whenever a function for a `$ref` ends with more.
 */
export const processCode = (code: string): string =>
  code.replace(REPLACED, (found, escaped?: string, more?: string) => {
    if (escaped !== undefined) return `self.escapedName(${escaped})`;
    return more === undefined ? found : `self.joined(vErrors, ${more})`;
  });

/** Strings, which stay as they are, whatever they say, and the two pieces of code. */
const REPLACED = new RegExp(
  [
    /"[^"\\]*(?:\\.[^"\\]*)*"/, // unrolled, and each \w+ at its word's start: a name of 60 KB is read once
    /\b(\w+)\.replace\(\/~\/g, ?"~0"\)\.replace\(\/\\\/\/g, ?"~1"\)/,
    /\bvErrors === null \? (?<more>[\w.]+) : vErrors\.concat\(\k<more>\)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/** The function that had `more` makes another list when it is called again. */
const joined = (errors: unknown[] | null, more: readonly unknown[]): readonly unknown[] => {
  if (errors === null) return more;
  for (const error of more) errors.push(error);
  return errors;
};

const escapedNames = new Map<string, string>();
const MOST_NAMES = 1_000;

const escapedName = (name: string): string => {
  const known = escapedNames.get(name);
  if (known !== undefined) return known;
  if (escapedNames.size >= MOST_NAMES) escapedNames.clear();
  const escaped = name.replaceAll('~', '~0').replaceAll('/', '~1');
  escapedNames.set(name, escaped);
  return escaped;
};

/** After a check, so that no payload is kept. Clearing makes a new table, also of an empty map. */
export const forgetNames = (): void => {
  if (escapedNames.size > 0) escapedNames.clear();
};
