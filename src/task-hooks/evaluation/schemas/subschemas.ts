// Where schemas stand within a schema, in drafts 7, 2019-09 and 2020-12.

/** `place` is a JSON pointer from the outer schema. */
export type Subschema = { readonly keyword: string; readonly place: string; readonly schema: unknown };

/** Their schemas meet the same value as the schema that they stand in. */
const IN_PLACE = new Set([
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas', 'dependencies'],
]);
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const MAPS = new Set([
  ...['properties', 'patternProperties', 'dependentSchemas', 'dependencies', 'definitions', '$defs'],
]);
const SINGLE = new Set([
  ...['not', 'if', 'then', 'else', 'additionalProperties', 'items', 'additionalItems', 'contains', 'propertyNames'],
  ...['unevaluatedItems', 'unevaluatedProperties'],
]);

export const isInPlace = ({ keyword }: Subschema): boolean => IN_PLACE.has(keyword);

export const subschemasOf = (schema: object): Subschema[] =>
  Object.entries(schema).flatMap(([keyword, value]): Subschema[] => {
    const isList = Array.isArray(value);
    if (isList ? LISTS.has(keyword) || keyword === 'items' : MAPS.has(keyword) && isSchema(value)) {
      return Object.entries(value as object).map(([key, one]) => ({
        keyword,
        place: `/${escaped(keyword)}/${escaped(key)}`,
        schema: one,
      }));
    }
    return SINGLE.has(keyword) && !isList ? [{ keyword, place: `/${escaped(keyword)}`, schema: value }] : [];
  });

/** Also `true` and `false` are schemas, but nothing stands in them. */
export const isSchema = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
