// What checking a value with a schema costs at most: what each keyword adds, as Ajv carries it out
// when everything is wrong and each error is told. The figures are measured, in steps of 10 ns.
import {
  amountFor,
  apart,
  type Bound,
  called,
  each,
  NOTHING,
  recursive,
  steps,
  stepsFor,
  sum,
  UNBOUNDED,
} from './bound.ts';
import { type References, referencesIn, type SchemaNode } from './references.ts';
import { costOfPattern, type PatternCost } from './safe-pattern.ts';
import { isSchema } from './subschemas.ts';

/** What making one error costs, without the path to its value. */
const ERROR = 40;
/** For each name or index in that path that is known only at the check. */
const PATH_STEP = 5;
const SCHEMA = 2;
const PROPERTY = 3;
const CALL = 10;
const TEST_PATTERN = 60;
const CHECK_FORMAT = 25;
const COUNT_CHARACTERS = 0.25;
const COMPARE_ITEMS = 10;
/** What `unevaluatedProperties` has to know about each name, of each schema in the same place. */
const TRACK_NAME = 30;

/** `1,` and `{},` of an array, and `"":1,` of an object. */
const LEAST_ITEM = 2;
const LEAST_OBJECT = 3;
const LEAST_PROPERTY = 5;

const DEEPEST_SCHEMA = 50;

/** All but these have patterns that can backtrack far, or are patterns themselves. */
const LINEAR_FORMATS = new Set([
  ...['date-time', 'date', 'time', 'iso-date-time', 'iso-time', 'duration', 'uuid', 'email', 'hostname'],
  ...['ipv4', 'ipv6', 'uri', 'uri-reference', 'uri-template', 'json-pointer', 'json-pointer-uri-fragment'],
  ...['relative-json-pointer', 'byte', 'int32', 'int64', 'float', 'double', 'password', 'binary'],
]);

/** Of a schema; without a bound is what has more. */
export type Limits = { readonly keywords: number; readonly instructions: number };

/** What is the same wherever in the schema. */
type Walk = {
  readonly bytes: number;
  readonly references: ReturnType<typeof createReferences>;
  readonly patterns: Patterns;
  readonly tracksNames: boolean;
  /** Schemas that Ajv makes functions of: those that are bounded, and those that are being. */
  readonly functions: Map<SchemaNode, Bound>;
  readonly under: SchemaNode[];
  keywordsLeft: number;
};

type Place = {
  readonly walk: Walk;
  readonly node: SchemaNode;
  /** Schemas around it, and loops among them, up to the function. */
  readonly depth: number;
  readonly loops: number;
};

/** It may meet many values. */
const isRepeated = ({ walk, loops }: Place): boolean => loops > 0 || walk.under.length > 1;

type Patterns = (pattern: string) => PatternCost | undefined;
type Rule = (value: unknown, place: Place) => Bound;

/** The answer takes the largest size of a payload, defaults included, in bytes. */
export const boundChecks = (schema: unknown, limits: Limits): ((bytes: number) => Bound) => {
  const known = { references: createReferences(schema), patterns: createPatterns(limits.instructions) };
  const tracksNames = JSON.stringify(schema).includes('"unevaluated');
  return (bytes) => {
    const walk: Walk = {
      ...{ ...known, bytes, tracksNames, functions: new Map(), under: [] },
      keywordsLeft: limits.keywords,
    };
    return isSchema(schema) ? boundOfFunction(schema, walk) : boundOf(schema, walk, 0, 0);
  };
};

/** `isInlined`: Ajv puts in what has no references itself, and makes a function of what has. */
const createReferences = (schema: unknown) => {
  let references: References | undefined;
  const inlined = new Map<SchemaNode, boolean>();
  return {
    resolve: (from: SchemaNode, reference: unknown) => {
      references ??= referencesIn(schema as SchemaNode);
      return references.resolve(from, reference);
    },
    isInlined: (target: SchemaNode): boolean => {
      const isInlined = inlined.get(target) ?? !HAS_REFERENCE.test(JSON.stringify(target));
      inlined.set(target, isInlined);
      return isInlined;
    },
  };
};
const HAS_REFERENCE = /"\$(?:ref|recursiveRef|recursiveAnchor|dynamicRef|dynamicAnchor)":/;

/** Each is looked at once. */
const createPatterns = (mostInstructions: number): Patterns => {
  const costs = new Map<string, PatternCost | undefined>();
  let left = mostInstructions;
  return (pattern) => {
    if (!costs.has(pattern)) {
      const cost = left > 0 ? costOfPattern(pattern, left) : undefined;
      costs.set(pattern, cost);
      left -= cost?.compiling ?? 0;
    }
    return costs.get(pattern);
  };
};

const boundOfFunction = (node: SchemaNode, walk: Walk): Bound => {
  const known = walk.functions.get(node);
  if (known) return known;
  const index = walk.under.push(node) - 1;
  const bound = recursive(boundOf(node, walk, 0, 0), index, walk.bytes);
  walk.under.pop();
  if (bound.again === 0) walk.functions.set(node, bound);
  return bound;
};

const boundOf = (schema: unknown, walk: Walk, depth: number, loops: number): Bound => {
  if (schema === true) return NOTHING;
  if (schema === false) return steps(errorAt(loops));
  if (!isSchema(schema) || depth > DEEPEST_SCHEMA) return UNBOUNDED;
  const place: Place = { walk, node: schema, depth, loops };
  const bounds: Bound[] = [steps(SCHEMA)];
  const ofOtherParts: Bound[] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    walk.keywordsLeft -= weightOf(keyword, value);
    if (walk.keywordsLeft < 0 || !Object.hasOwn(RULES, keyword)) return UNBOUNDED;
    (EXCLUDE_EACH_OTHER.has(keyword) ? ofOtherParts : bounds).push((RULES[keyword] as Rule)(value, place));
    if (Object.hasOwn(LOOPS_OVER_NAMES, keyword)) bounds.push((LOOPS_OVER_NAMES[keyword] as Rule)(value, place));
  }
  const { height } = sum(ofOtherParts);
  return sum([...bounds, { ...apart(ofOtherParts), height }]);
};

/** No part of a value is met by two of them. */
const EXCLUDE_EACH_OTHER = new Set([
  ...['properties', 'additionalProperties', 'unevaluatedProperties'],
  ...['items', 'prefixItems', 'additionalItems', 'unevaluatedItems'],
]);

const ANNOTATIONS = [
  ...['$schema', '$id', '$comment', 'definitions', '$defs', 'title', 'description', 'default', 'examples'],
  ...['deprecated', 'readOnly', 'writeOnly', 'contentMediaType', 'contentEncoding', 'nullable'],
];
const ANNOTATION_SET = new Set(ANNOTATIONS);

/** In keywords, as far as compiling goes. */
const weightOf = (keyword: string, value: unknown): number => {
  if (ANNOTATION_SET.has(keyword)) return 0;
  if (keyword === 'properties') return 1 + (isSchema(value) ? Object.keys(value).length / 2 : 0);
  if (typeof value !== 'object' || value === null || isSchema(value)) return 1;
  return 1 + (value as unknown[]).length / 4;
};

const errorAt = (loops: number): number => ERROR + PATH_STEP * loops;

const fails: Rule = (_value, { loops }) => steps(errorAt(loops));
const failsAfter =
  (once: number, perByte: number): Rule =>
  (_value, { loops }) =>
    steps(once + errorAt(loops), perByte);

/** It meets the same value. */
const here = (schema: unknown, { walk, depth, loops }: Place): Bound =>
  sum([boundOf(schema, walk, depth + 1, loops), steps(0, walk.tracksNames ? TRACK_NAME / LEAST_PROPERTY : 0)]);

/** It meets a part of at least so many bytes, whose name or place stands in the schema. */
const part = (schema: unknown, leastBytes: number, place: Place): Bound => {
  const bound = boundOf(schema, place.walk, place.depth + 1, place.loops);
  if (!isSchema(schema) || schema.default === undefined) {
    // Of many values, few have all parts that they may have.
    const found = isRepeated(place) ? each(leastBytes, bound) : bound;
    return sum([found, steps(PROPERTY)]);
  }
  const bytes = leastBytes + JSON.stringify(schema.default).length;
  return {
    ...bound,
    steps: { ...bound.steps, once: stepsFor(bound, bytes) + PROPERTY + bytes },
    defaults: { ...bound.defaults, once: amountFor(bound.defaults, bytes) + bytes },
  };
};

const inLoop = (schema: unknown, { walk, depth, loops }: Place): Bound => boundOf(schema, walk, depth + 1, loops + 1);

const ofItems = (schema: unknown, place: Place): Bound => {
  if (schema === true) return NOTHING;
  const items = (of: unknown, leastBytes: number) => each(leastBytes, sum([inLoop(of, place), steps(SCHEMA)]));
  if (!isSchema(schema) || !isOfObjects(schema)) return items(schema, LEAST_ITEM);
  // Ajv looks at the type first: what is no object has that one error.
  const { type, ...rest } = schema;
  return apart([items({ type }, LEAST_ITEM), items(rest, LEAST_OBJECT)]);
};

const OF_OBJECTS = new Set([
  ...['required', 'properties', 'additionalProperties', 'patternProperties', 'propertyNames'],
  ...['minProperties', 'maxProperties'],
]);
const isOfObjects = ({ type, nullable, ...rest }: SchemaNode): boolean =>
  type === 'object' &&
  nullable === undefined &&
  Object.keys(rest).every((keyword) => OF_OBJECTS.has(keyword) || ANNOTATION_SET.has(keyword));

const ofNames = (schema: unknown, place: Place, once = 0): Bound =>
  schema === true ? NOTHING : each(LEAST_PROPERTY, sum([inLoop(schema, place), steps(once)]));

const test = (pattern: unknown, { walk }: Place): Bound => {
  const cost = typeof pattern === 'string' ? walk.patterns(pattern) : undefined;
  return cost ? steps(TEST_PATTERN + cost.steps.once, cost.steps.perByte) : UNBOUNDED;
};

const testNames = (place: Place): Bound => {
  const { patternProperties } = place.node;
  if (!isSchema(patternProperties)) return NOTHING;
  return sum(Object.keys(patternProperties).map((pattern) => each(LEAST_PROPERTY, test(pattern, place))));
};

const list =
  (combine: (bounds: readonly Bound[]) => Bound, rule: Rule): Rule =>
  (value, place) =>
    Array.isArray(value) ? combine(value.map((one) => rule(one, place))) : UNBOUNDED;

const map =
  (rule: Rule): Rule =>
  (value, place) =>
    isSchema(value) ? sum(Object.values(value).map((one) => rule(one, place))) : UNBOUNDED;

const tuple = list(apart, (one, place) => part(one, LEAST_ITEM, place));
const required = list(sum, fails);
const choice: Rule = (value, place) => sum([list(sum, here)(value, place), fails(value, place)]);

const refer: Rule = (reference, { walk, node, depth, loops }) => {
  const target = walk.references.resolve(node, reference);
  if (!target) return UNBOUNDED;
  if (walk.references.isInlined(target)) return boundOf(target, walk, depth + 1, loops);
  const call = steps(CALL + errorAt(loops));
  const index = walk.under.indexOf(target);
  if (index !== -1) return { ...call, again: 1, outermost: index };
  return sum([call, called(boundOfFunction(target, walk))]);
};

/** What looking at each name takes, also at those that the schema is not for. */
const LOOPS_OVER_NAMES: Readonly<Record<string, Rule>> = {
  additionalProperties: (value, place) =>
    value === true ? NOTHING : sum([testNames(place), each(LEAST_PROPERTY, steps(PROPERTY))]),
  unevaluatedProperties: (value) => (value === true ? NOTHING : each(LEAST_PROPERTY, steps(TRACK_NAME))),
};

const textOf = (value: unknown): number => (typeof value === 'object' ? JSON.stringify(value).length : 1);

const forAll = (keywords: readonly string[], rule: Rule): Record<string, Rule> =>
  Object.fromEntries(keywords.map((keyword) => [keyword, rule]));

const RULES: Readonly<Record<string, Rule>> = {
  ...forAll(ANNOTATIONS, () => NOTHING),
  ...forAll(['type', 'minItems', 'maxItems', 'multipleOf', 'minContains', 'maxContains'], fails),
  ...forAll(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'], fails),
  ...forAll(['minLength', 'maxLength', 'minProperties', 'maxProperties'], failsAfter(0, COUNT_CHARACTERS)),
  ...forAll(['not', 'if', 'then', 'else'], (value, place) => sum([here(value, place), fails(value, place)])),
  ...forAll(['allOf', 'anyOf', 'oneOf'], choice),
  required,
  const: (value, { loops }) => steps(errorAt(loops) + textOf(value), COUNT_CHARACTERS),
  enum: (value, { loops }) =>
    Array.isArray(value)
      ? steps(errorAt(loops) + value.reduce((total, one) => total + textOf(one), 0), COUNT_CHARACTERS)
      : UNBOUNDED,
  pattern: (value, place) => sum([test(value, place), fails(value, place)]),
  format: (value, place) =>
    LINEAR_FORMATS.has(value as string) ? failsAfter(TEST_PATTERN, CHECK_FORMAT)(value, place) : UNBOUNDED,
  uniqueItems: (value, place) => ({ ...failsAfter(TEST_PATTERN, 0)(value, place), whole: COMPARE_ITEMS }),
  properties: (value, place) =>
    isSchema(value)
      ? apart(Object.entries(value).map(([name, one]) => part(one, name.length + LEAST_PROPERTY, place)))
      : UNBOUNDED,
  patternProperties: (value, place) =>
    isSchema(value)
      ? sum([testNames(place), ...Object.values(value).map((one) => ofNames(one, place, TRACK_NAME))])
      : UNBOUNDED,
  additionalProperties: (value, place) => ofNames(value, place),
  unevaluatedProperties: (value, place) => ofNames(value, place),
  propertyNames: (value, place) => sum([ofNames(value, place, errorAt(place.loops + 1)), fails(value, place)]),
  items: (value, place) => (Array.isArray(value) ? tuple : ofItems)(value, place),
  prefixItems: tuple,
  ...forAll(['additionalItems', 'unevaluatedItems'], (value, place) =>
    sum([ofItems(value, place), fails(value, place)]),
  ),
  contains: (value, place) => sum([ofItems(value, place), fails(value, place)]),
  ...forAll(
    ['dependencies', 'dependentSchemas', 'dependentRequired'],
    map((value, place) => (Array.isArray(value) ? required : here)(value, place)),
  ),
  $ref: refer,
};
