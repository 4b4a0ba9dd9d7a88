// A request's schema as callers should read it: what has a default need not be sent, because the
// server fills it in first.

import { mapValues } from '../../core/json.ts';

type Schema = { readonly [keyword: string]: unknown };

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The same schema, in which no property with a default is required. */
export const inputSchema = (schema: object): object => relaxed(schema) as object;

/** Keywords that hold values, not schemas. */
const VALUES: readonly string[] = ['default', 'const', 'enum', 'required', 'examples'];
/** Keywords that hold schemas by names, which may be those of keywords. */
const BY_NAME: readonly string[] = ['properties', 'patternProperties', 'definitions', '$defs'];

const relaxed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(relaxed);
  if (!isSchema(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [keyword, inner] of Object.entries(value)) {
    if (VALUES.includes(keyword)) copy[keyword] = inner;
    else if (BY_NAME.includes(keyword) && isSchema(inner)) copy[keyword] = mapValues(inner, relaxed);
    else copy[keyword] = relaxed(inner);
  }
  const { required, properties } = value;
  if (Array.isArray(required) && isSchema(properties)) {
    copy.required = required.filter((name: string) => !hasDefault(properties[name]));
  }
  return copy;
};

const hasDefault = (property: unknown): boolean => isSchema(property) && 'default' in property;
