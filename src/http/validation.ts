// The service's own schemas, compiled once. (Schemas that users write are another matter:
// task-hooks/evaluation/schemas/trigger-schema.ts.)
import { Ajv, type ErrorObject, type FormatDefinition, type ValidateFunction } from 'ajv';
import addAllFormats from 'ajv-formats';
import { ApiError } from './api-error.ts';
import type { NamedSchema } from './api-method.ts';
import { cut, firstFew } from './cut.ts';

/**
 * As most clocks write it, but for 29 February. All of these are right, and found to be so in a
 * tenth of the time.
 */
const PLAIN_DATE_TIME = new RegExp(
  [
    /^\d{4}-/,
    /(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)/,
    /T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/,
  ]
    .map(({ source }) => source)
    .join(''),
);

/** For all that is compiled after it. */
export const addFormats = (ajv: Ajv): void => {
  (addAllFormats as unknown as (instance: Ajv) => void)(ajv);
  const known = ajv.formats['date-time'] as FormatDefinition<string> & { readonly validate: (text: string) => boolean };
  ajv.addFormat('date-time', {
    ...known,
    validate: (text: string) => PLAIN_DATE_TIME.test(text) || known.validate(text),
  });
};

const createAjv = (allErrors: boolean): Ajv => {
  const ajv = new Ajv({ allErrors, useDefaults: true, strict: true, validateFormats: true });
  addFormats(ajv);
  return ajv;
};
/** Stops at the first error, so that what is far too large is not walked. */
const toFirst = createAjv(false);
const toLast = createAjv(true);

/**
 * Values of a payload of which all errors are found; an array of wrong ones has an error for each.
 * Texts count as more, because then all their keywords are looked at, also after one has failed.
 */
const MOST_EXPLAINED = 2_000;
const CHARACTERS_PER_VALUE = 100;
/** Characters of a name or a path that the payload has made up. */
const LONGEST_NAME = 300;
const LONGEST_LIST = 1_000;

export type PayloadCheck = (payload: unknown) => void;

/**
 * A check that throws InputValidationError, and that fills in the schema's defaults. The error
 * lists what is wrong, or the first of it where the payload is large.
 */
export const compilePayloadCheck = ({ schema }: NamedSchema, url: () => string): PayloadCheck => {
  // At first use: compiling all of them would show in every start.
  let validate: ValidateFunction | undefined;
  let explain: ValidateFunction | undefined;
  return (payload) => {
    validate ??= toFirst.compile(schema);
    if (validate(payload)) return;
    let { errors } = validate;
    let more: string[] = [];
    if (hasAtMost(MOST_EXPLAINED, payload)) {
      explain ??= toLast.compile(schema);
      explain(payload);
      errors = explain.errors;
    } else more = ['The payload is large; what comes after the first error was not looked at.'];
    const told = firstFew((errors ?? []).map(describeSchemaError)).map((line) => `  * ${line}`);
    throw new ApiError(
      'InputValidationError',
      ['', 'Schema Validation Failed!', `Rejecting Schema: ${url()}`, 'Errors:', ...told, ...more].join('\n'),
    );
  };
};

/** Whether there are so few values; looks at no more of them. */
const hasAtMost = (most: number, payload: unknown): boolean => {
  const toSee: unknown[] = [payload];
  let seen = 0;
  while (toSee.length > 0 && seen + toSee.length <= most) {
    const value = toSee.pop();
    seen += typeof value === 'string' ? 1 + value.length / CHARACTERS_PER_VALUE : 1;
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value) && value.length > most) return false;
    for (const key in value) {
      if (toSee.length > most) return false;
      toSee.push((value as Record<string, unknown>)[key]);
    }
  }
  return seen + toSee.length <= most;
};

/**
 * `data/metadata must have required property 'owner'`, and what else a reader needs to find the
 * spot.
 */
export const describeSchemaError = (error: ErrorObject): string => {
  const where = `data${cut(error.instancePath, LONGEST_NAME)}`;
  const what = `${where} ${cut(error.message ?? 'is not valid', LONGEST_NAME)}`;
  if (error.keyword === 'additionalProperties') {
    return `${what}: ${JSON.stringify(cut(error.params.additionalProperty, LONGEST_NAME))}`;
  }
  if (error.keyword === 'enum') return `${what}: ${cut(JSON.stringify(error.params.allowedValues), LONGEST_LIST)}`;
  return what;
};
