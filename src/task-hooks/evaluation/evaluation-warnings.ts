// What a trigger schema or a template says that its author may not have meant: defaults that do not
// fit, what has no effect, what can never be rendered.
import type { AnySchemaObject } from 'ajv';
import { cut } from '../../http/cut.ts';
import { isSchema, type Subschema, subschemasOf } from './schemas/subschemas.ts';
import { type CompiledSchema, compileTriggerSchema } from './schemas/trigger-schema.ts';
import { findTemplateProblems } from './template-problems.ts';

/** Each says the place and the cure. */
export const warningsOfEvaluation = (template: unknown, schema: AnySchemaObject): string[] => [
  ...findTemplateProblems(template).map(
    ({ place, reason }) =>
      `${cut(place, LONGEST_PLACE)} cannot be rendered, so no event that needs it makes a task: ${cut(reason, LONGEST_REASON)}.`,
  ),
  ...warningsOfSchema(schema),
];

/** Characters: names may be as long as the definition, and each warning is a line of the log. */
const LONGEST_PLACE = 300;
const LONGEST_REASON = 600;

/** Empty also when the schema does not compile, which is more than a warning. */
const warningsOfSchema = (schema: AnySchemaObject): string[] => {
  const compilation = compileTriggerSchema(schema);
  if (!compilation.ok) return [];
  const { check, ignored } = compilation.schema;
  const withoutEffect = ignored.filter((message) => !message.startsWith('default is ignored'));
  return [
    ...misfits(schema, check),
    ...ignoredDefaults(schema).map(
      (place) =>
        `triggerSchema${cut(place, LONGEST_PLACE)} has no effect: a default is filled in only for a member of properties that is not within anyOf, oneOf, not, if or contains.`,
    ),
    ...new Set(withoutEffect.map((message) => `In triggerSchema, ${cut(message, LONGEST_REASON)}.`)),
  ].slice(0, MOST_WARNINGS);
};

const MOST_WARNINGS = 20;

/** Ajv fills in no default of a schema of which it is not sure yet that it applies. */
const COMPOSITE = new Set(['anyOf', 'oneOf', 'not', 'if', 'contains', 'propertyNames']);

/** JSON pointers. */
const ignoredDefaults = (root: AnySchemaObject): string[] => {
  const found: string[] = [];
  const visit = (schema: Record<string, unknown>, place: string, isFilledIn: boolean, isComposite: boolean) => {
    if (schema.default !== undefined && !isFilledIn) found.push(`${place}/default`);
    for (const below of subschemasOf(schema)) {
      if (!isSchema(below.schema)) continue;
      const composite = below.keyword !== 'definitions' && below.keyword !== '$defs' && isComposite;
      const within = composite || COMPOSITE.has(below.keyword);
      visit(below.schema, `${place}${below.place}`, isDefaultPlace(schema, below) && !composite, within);
    }
  };
  visit(root, '', false, false);
  return found;
};

const isDefaultPlace = (outer: Record<string, unknown>, { keyword }: Subschema): boolean =>
  keyword === 'properties' || (keyword === 'items' && Array.isArray(outer.items));

/**
 * Defaults that do not fit: whoever leaves such a value out is refused. Found with a payload in
 * which all objects that have defaults are there, and nothing else: what is wrong with anything
 * else comes of a default.
 */
const misfits = (schema: AnySchemaObject, check: CompiledSchema['check']): string[] => {
  const payload = skeletonOf(schema, 0);
  const given = new Set(placesIn(payload, 'data'));
  try {
    return check(payload, 0)
      .filter(({ text }) => text.startsWith('data/') && !given.has(text.split(' ')[0] ?? ''))
      .map(
        ({ text }) =>
          `A default in triggerSchema does not fit it, so payloads without that value are refused: ${text}.`,
      );
  } catch {
    return []; // the schema is recursive, and so are its defaults
  }
};

const DEEPEST_SKELETON = 50;

const skeletonOf = (schema: Record<string, unknown>, depth: number): Record<string, unknown> => {
  const skeleton: Record<string, unknown> = {};
  if (depth > DEEPEST_SKELETON || !isSchema(schema.properties)) return skeleton;
  for (const [key, below] of Object.entries(schema.properties)) {
    if (key === '__proto__' || !isSchema(below) || below.default !== undefined || !isSchema(below.properties)) continue;
    skeleton[key] = skeletonOf(below, depth + 1);
  }
  return skeleton;
};

const placesIn = (value: Record<string, unknown>, place: string): string[] => [
  place,
  ...Object.entries(value).flatMap(([key, inner]) =>
    placesIn(inner as Record<string, unknown>, `${place}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  ),
];
